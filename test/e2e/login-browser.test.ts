import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { TestAuthority } from '../support/certificates.ts';
import { noChromium, startChromium } from '../support/chromium.ts';
import { DIST, freePort, startGateway } from '../support/gateway.ts';
import { CLIENT_SECRET, CODE_ACR, ONE_TIME_CODE, PASSWORD, TestProvider, WEB } from '../support/oidc-provider.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';

const ARTIFACTS = join(DIST, '..', 'artifacts');

test('a person logs in, steps up and logs out, in Chromium', { skip: noChromium, timeout: 150_000 }, async (t) => {
  const https = await freePort();
  const http = await freePort();
  const origin = `https://localhost:${https}`;
  const provider = await TestProvider.start(t, {
    redirectUris: [`${origin}/.sallyport/callback`],
    postLogoutRedirectUris: [`${origin}/public`],
  });
  const upstream = await startRecordingUpstream({
    onRequest: (request, reply) => {
      const user = request.fields.find(([name]) => name === 'x-user')?.[1] ?? 'nobody';
      const page = `<!doctype html><html lang="en"><title>Upstream</title><h1>Hello ${user}</h1><p>${request.target}</p>
<form method="post" action="/app/save"><button>Save</button></form></html>`;
      reply.ok(page, 'content-type: text/html; charset=utf-8\r\nset-cookie: own=kept; Path=/\r\n');
    },
  });
  t.after(() => upstream.close());
  const { certificateFile, keyFile } = new TestAuthority().issue({ names: ['localhost'] });
  const gateway = await startGateway({
    https: true,
    ports: { http, https },
    config: {
      tls: { certificates: [{ certificate: certificateFile, key: keyFile }] },
      upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
      logins: {
        people: {
          issuer: provider.issuer,
          clientId: WEB,
          clientSecret: CLIENT_SECRET,
          keys: ['a-secret-of-the-test-that-is-long-enough-1'],
          afterLogout: '/public',
        },
      },
      identity: { fields: [{ name: 'x-user', from: 'subject' }] },
      routes: [
        { name: 'public', paths: ['/public'], upstream: 'main' },
        { name: 'app', paths: ['/app/*'], upstream: 'main', policies: { auth: { login: 'people' } } },
        {
          name: 'vault',
          paths: ['/vault/*'],
          upstream: 'main',
          policies: { auth: { login: 'people', stepUp: { acr: [CODE_ACR] } } },
        },
      ],
    },
  });
  t.after(() => gateway.stop());
  const browser = await startChromium();
  t.after(() => browser.close());
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();

  await page.goto(`${origin}/app/orders?page=2`);
  assert.ok(page.url().startsWith(provider.issuer), page.url());
  await fill(page, false);
  await page.waitForURL(`${origin}/app/orders?page=2`);
  assert.equal(await page.textContent('h1'), 'Hello ann');

  mkdirSync(ARTIFACTS, { recursive: true });
  const screenshot = join(ARTIFACTS, 'login.png');
  await page.screenshot({ path: screenshot });
  t.diagnostic(`screenshot: ${screenshot}`);

  const ours = (await context.cookies(origin)).filter(({ name }) => name.includes('sallyport'));
  assert.deepEqual(
    ours.map(({ name, httpOnly, secure, sameSite, path, domain }) => ({
      name,
      httpOnly,
      secure,
      sameSite,
      path,
      domain,
    })),
    [{ name: '__Host-sallyport', httpOnly: true, secure: true, sameSite: 'Lax', path: '/', domain: 'localhost' }],
  );
  // What the upstream set comes back, ours never does.
  await page.reload();
  const cookie = upstream.requests.at(-1)?.fields.find(([name]) => name === 'cookie')?.[1] ?? '';
  assert.match(cookie, /own=kept/);
  for (const { rawHead } of upstream.requests) assert.ok(!rawHead.includes('sallyport='), rawHead);

  await page.click('button');
  await page.waitForURL(`${origin}/app/save`);
  assert.equal(upstream.requests.at(-1)?.method, 'POST', 'a form of the site itself is let through');
  const fetched = await page.evaluate(
    "fetch('/vault/x').then((a) => a.status + ' ' + a.headers.get('www-authenticate'))",
  );
  assert.match(String(fetched), /^401 Cookie error="insufficient_user_authentication", acr_values="urn:test:code"$/);

  await page.goto(`${origin}/vault/gold`);
  assert.ok(page.url().startsWith(provider.issuer), page.url());
  await fill(page, true);
  await page.waitForURL(`${origin}/vault/gold`);
  assert.equal(await page.textContent('h1'), 'Hello ann');

  const asked = provider.requests('/auth') + provider.requests('/token');
  await provider.close();
  await page.goto(`${origin}/app/again`);
  assert.equal(await page.textContent('h1'), 'Hello ann', 'sessions go on without the provider');
  assert.equal(provider.requests('/auth') + provider.requests('/token'), asked);
  await provider.listen();

  await page.goto(`${origin}/.sallyport/logout`);
  assert.ok(page.url().startsWith(provider.issuer), page.url());
  await page.click('button[name=logout]');
  await page.waitForURL(`${origin}/public`);
  assert.deepEqual(
    (await context.cookies(origin)).filter(({ name }) => name.includes('sallyport')),
    [],
  );
  await page.goto(`${origin}/app/orders`);
  assert.ok(page.url().startsWith(provider.issuer), 'nobody is logged in any more');
});

async function fill(page: Page, withCode: boolean): Promise<void> {
  await page.fill('input[name=login]', 'ann');
  await page.fill('input[name=password]', PASSWORD);
  if (withCode) await page.fill('input[name=code]', ONE_TIME_CODE);
  await page.click('button[type=submit]');
}
