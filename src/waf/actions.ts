import type { ByteText } from '../base/byte-text.ts';
import type { ActionWord, RuleDraft } from './action.ts';
import { accuracy } from './actions/accuracy.ts';
import { allow } from './actions/allow.ts';
import { auditlog } from './actions/auditlog.ts';
import { capture } from './actions/capture.ts';
import { ctl } from './actions/ctl.ts';
import { deny } from './actions/deny.ts';
import { drop } from './actions/drop.ts';
import { expirevar } from './actions/expirevar.ts';
import { initcol } from './actions/initcol.ts';
import { log } from './actions/log.ts';
import { logdata } from './actions/logdata.ts';
import { maturity } from './actions/maturity.ts';
import { msg } from './actions/msg.ts';
import { multiMatch } from './actions/multi-match.ts';
import { noauditlog } from './actions/noauditlog.ts';
import { nolog } from './actions/nolog.ts';
import { pass } from './actions/pass.ts';
import { redirect } from './actions/redirect.ts';
import { rev } from './actions/rev.ts';
import { setenv } from './actions/setenv.ts';
import { setrsc } from './actions/setrsc.ts';
import { setsid } from './actions/setsid.ts';
import { setuid } from './actions/setuid.ts';
import { setvar } from './actions/setvar.ts';
import { severity } from './actions/severity.ts';
import { skip } from './actions/skip.ts';
import { skipAfter } from './actions/skip-after.ts';
import { status } from './actions/status.ts';
import { t } from './actions/t.ts';
import { tag } from './actions/tag.ts';
import { ver } from './actions/ver.ts';
import { SecLangReason } from './seclang/reason.ts';

/** Every action there is. `id`, `phase`, `chain` and `block` are the language's own: src/waf/seclang/link.ts. */
const ACTIONS: ReadonlyMap<string, ActionWord> = new Map(
  [
    accuracy,
    allow,
    auditlog,
    capture,
    ctl,
    deny,
    drop,
    expirevar,
    initcol,
    log,
    logdata,
    maturity,
    msg,
    multiMatch,
    noauditlog,
    nolog,
    pass,
    redirect,
    rev,
    setenv,
    setrsc,
    setsid,
    setuid,
    setvar,
    severity,
    skip,
    skipAfter,
    status,
    t,
    tag,
    ver,
  ].map((word) => [word.name.toLowerCase(), word]),
);

const REDACT = 'list what must not be logged in waf.audit.redact';

/** Actions of ModSecurity that are not there, in lower case, and what to do instead. */
const ABSENT: Readonly<Record<string, string>> = {
  append: 'answers are not rewritten; remove it',
  deprecatevar: 'use expirevar',
  exec: 'no programs are run; use the audit log',
  pause: 'requests are not held back by rules; use a throttle',
  prepend: 'answers are not rewritten; remove it',
  proxy: 'rules do not choose upstreams; use a route',
  sanitisearg: REDACT,
  sanitisematched: REDACT,
  sanitisematchedbytes: REDACT,
  sanitiserequestheader: REDACT,
  sanitiseresponseheader: REDACT,
  xmlns: 'texts and attributes of XML are read whatever their namespace; remove it',
};

/**
 * Lets one action write into a rule.
 *
 * @throws  SecLangReason for an action that is none, or whose value is wrong or missing.
 */
export function applyAction(draft: RuleDraft, name: string, value: ByteText | null): void {
  const word = ACTIONS.get(name.toLowerCase());
  if (word === undefined) {
    const instead = ABSENT[name.toLowerCase()];
    if (instead !== undefined) throw new SecLangReason(`the action ${name} is not supported: ${instead}`);
    throw new SecLangReason(`${name} is not an action`);
  }
  if (word.value === 'required' && (value === null || value === '')) {
    throw new SecLangReason(`${word.name} needs a value: ${word.name}:...`);
  }
  if (word.value === 'none' && value !== null) throw new SecLangReason(`${word.name} takes no value, not ${value}`);
  word.apply(draft, value ?? '');
}
