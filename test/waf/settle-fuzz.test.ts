import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzRun } from '../support/fuzz.ts';
import { ask, type Told } from '../support/inspections.ts';
import { engineOf } from '../support/rule-sets.ts';

/** Few names, numbers and places, so that rules of one set meet. */
const name = fc.constantFrom('a', 'b', 'c');
const number = fc.integer({ min: 0, max: 3 });
const comparison = fc.constantFrom('@eq', '@lt', '@ge', '!@eq', '@gt');
const phase = fc.constantFrom(1, 1, 2, 2, 5);
const marker = fc.constantFrom('M1', 'M2', 'M3');
const tag = fc.constantFrom('t1', 't2');
const id = fc.integer({ min: 1, max: 10 });
const looks = fc.oneof(
  name.map((of) => `TX:${of}`),
  name.map((of) => `&TX:${of}`),
  name.map((of) => `TX:a|TX:${of}`),
);
const parameter = fc.oneof(
  { weight: 5, arbitrary: number.map(String) },
  { weight: 1, arbitrary: name.map((of) => `%{tx.${of}}`) },
);

const jump = fc.oneof(
  marker.map((to) => `skipAfter:${to}`),
  fc.integer({ min: 1, max: 4 }).map((count) => `skip:${count}`),
);
const write = fc.oneof(
  fc.tuple(name, parameter).map(([of, value]) => `setvar:tx.${of}=${value}`),
  fc.tuple(name, number).map(([of, value]) => `setvar:tx.${of}=+${value}`),
  name.map((of) => `setvar:!tx.${of}`),
);
const end = fc.constantFrom('deny', 'allow', 'allow:phase', 'allow:request', 'drop', 'ctl:ruleEngine=Off');
const removal = fc.oneof(
  fc.tuple(id, id).map(([a, b]) => `ctl:ruleRemoveById=${Math.min(a, b)}-${Math.max(a, b)}`),
  tag.map((of) => `ctl:ruleRemoveByTag=${of}`),
  fc.constant('ctl:ruleRemoveByMsg=words'),
);
const blinding = fc.oneof(
  fc.tuple(id, name).map(([of, at]) => `ctl:ruleRemoveTargetById=1-${of};TX:${at}`),
  fc.tuple(tag, name).map(([of, at]) => `ctl:ruleRemoveTargetByTag=${of};TX:${at}`),
);
const requestWrite = fc.oneof(
  number.map((value) => `setvar:tx.%{ARGS.n}=${value}`),
  name.map((of) => `setvar:tx.${of}=%{ARGS.q}`),
);
const deed = fc.oneof(write, jump, jump, end, removal, removal, blinding, blinding, requestWrite);
const words = fc.subarray(['nolog', 'tag:t1', 'tag:t2', "msg:'words'", 'severity:2', 't:length']);
const quiet = fc.subarray(['tag:t1', 'tag:t2']).map((tags) => ['pass', 'nolog', ...tags]);

type Line = (id: number) => string;
const rule = (of: number, at: number, what: string, test: string, actions: readonly string[]): string =>
  `SecRule ${what} "${test}" "id:${of},phase:${at},${actions.join(',')}"`;

/** `SecRule TX:a "@lt 2" "...,skipAfter:M"`: what settling is about. */
const gate = fc.tuple(phase, looks, comparison, parameter, jump, quiet).map(
  ([at, what, compare, to, skips, actions]): Line =>
    (of) =>
      rule(of, at, what, `${compare} ${to}`, [...actions, skips]),
);
const chainedGate = fc.tuple(gate, looks, comparison, number, fc.option(write, { nil: 't:none' })).map(
  ([head, what, compare, to, more]): Line =>
    (of) =>
      `${head(of).slice(0, -1)},chain"\nSecRule ${what} "${compare} ${to}" "${more}"`,
);
const setting = fc.tuple(fc.constantFrom(1, 1, 1, 2), write, quiet).map(
  ([at, sets, actions]): Line =>
    (of) =>
      `SecAction "id:${of},phase:${at},${[...actions, sets].join(',')}"`,
);
const settingIf = fc
  .tuple(phase, looks, comparison, parameter, fc.array(deed, { minLength: 1, maxLength: 2 }), words)
  .map(
    ([at, what, compare, to, deeds, actions]): Line =>
      (of) =>
        rule(of, at, what, `${compare} ${to}`, [...actions, ...deeds]),
  );
const asking = fc.tuple(phase, number, fc.array(deed, { minLength: 1, maxLength: 2 }), words).map(
  ([at, value, deeds, actions]): Line =>
    (of) =>
      rule(of, at, 'ARGS:q', `@eq ${value}`, [...actions, ...deeds]),
);
const probe = fc.tuple(phase, fc.subarray(['tag:t1', 'tag:t2'])).map(
  ([at, tags]): Line =>
    (of) =>
      rule(of, at, 'REQUEST_METHOD', '@unconditionalMatch', [
        'pass',
        'log',
        ...tags,
        "msg:'%{tx.a} %{tx.b} %{tx.c} %{HIGHEST_SEVERITY}'",
      ]),
);
const former = fc.tuple(phase, fc.constantFrom('MATCHED_VAR', 'MATCHED_VARS_NAMES', '&MATCHED_VARS')).map(
  ([at, what]): Line =>
    (of) =>
      rule(of, at, what, '@unconditionalMatch', ['pass', 'log', "msg:'%{MATCHED_VAR}'"]),
);
const formerAction = phase.map(
  (at): Line =>
    (of) =>
      `SecAction "id:${of},phase:${at},pass,log,msg:'%{MATCHED_VAR}'"`,
);
/** Fails where tx.b is no address. */
const failing = fc.tuple(phase, name).map(
  ([at, of]): Line =>
    (own) =>
      rule(own, at, 'TX:a', `@ipMatch %{tx.${of}}`, ['pass', 'nolog']),
);
const place = marker.map(
  (to): Line =>
    () =>
      `SecMarker ${to}`,
);

/** What honest rule sets are made of: gates, what they skip, and markers. */
const calm = fc.oneof(
  { weight: 4, arbitrary: gate },
  { weight: 1, arbitrary: chainedGate },
  { weight: 5, arbitrary: probe },
  { weight: 3, arbitrary: place },
);
/** What stands in the way of settling. Seldom: where much of it stands, nothing is settled. */
const odd = fc.oneof(
  { weight: 2, arbitrary: settingIf },
  { weight: 6, arbitrary: asking },
  { weight: 1, arbitrary: setting },
  { weight: 1, arbitrary: former },
  { weight: 1, arbitrary: formerAction },
  { weight: 1, arbitrary: failing },
);

/** Settings first, as rule sets have them; every marker stands behind all rules. */
const program = fc
  .tuple(
    fc.array(setting, { minLength: 1, maxLength: 3 }),
    fc.array(calm, { minLength: 3, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(8), odd), { maxLength: 2 }),
  )
  .map(([first, rest, between]) => {
    const lines = [...first, ...rest];
    for (const [at, own] of between) lines.splice(at, 0, own);
    const numbered = lines.map((own, index) => own(index + 1));
    return [...numbered, 'SecMarker M1', 'SecMarker M2', 'SecMarker M3'].join('\n');
  });

/** Rules that act for some requests only. Seldom: their writes are never settled. */
const trials = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.tuple(id, fc.constantFrom(0, 50)).map(([of, percent]) => [{ ids: [String(of)], tags: [], percent }]),
  },
);

const TARGETS = ['/', '/?q=0', '/?q=1&n=a', '/?q=2&n=b', '/?q=3&n=c'];

test('a rule set with and without settling says the same of every request', (t) => {
  let matches = 0;
  fc.assert(
    fc.property(program, fc.constantFrom('block', 'detect'), trials, (rules, mode, onTrial) => {
      const settled = engineOf(rules, { mode, trials: onTrial });
      const whole = engineOf(rules, { mode, trials: onTrial }, { gate: false });
      for (const [index, target] of TARGETS.entries()) {
        const asked = { target, share: index * 20 };
        const told = summary(ask(settled, asked));
        assert.deepEqual(told, summary(ask(whole, asked)), `${target}\n${rules}\n${JSON.stringify(onTrial)}`);
        matches += told.lines.length;
      }
    }),
    fuzzRun(t, 1_500),
  );
  assert.ok(matches > 1_000, `${matches} matches`);
});

test('a rule that only tells is as one that is not there, but for its match', (t) => {
  let matches = 0;
  const told = fc.tuple(fc.nat(12), phase, number, fc.array(deed, { minLength: 1, maxLength: 2 }), words);
  fc.assert(
    fc.property(program, told, (rules, [at, inPhase, value, deeds, actions]) => {
      // Those count the rules that there are.
      fc.pre(!/skip:\d/.test(rules + deeds));
      const lines = rules.split('\n');
      const places = lines.map((_, index) => index).filter((index) => !/chain"$/.test(lines[index - 1] ?? ''));
      const place = places[Math.min(at, places.length - 4)] as number;
      const own = rule(99, inPhase, 'ARGS:q', `@ge ${value}`, [
        'log',
        ...actions.filter((word) => word !== 'nolog'),
        ...deeds,
      ]);
      const detecting = engineOf(lines.toSpliced(place, 0, own).join('\n'), {
        trials: [{ ids: ['99'], tags: [], percent: 0 }],
      });
      const without = engineOf(lines.join('\n'));
      for (const target of TARGETS) {
        const found = summary(ask(detecting, { target }));
        matches += found.lines.filter((line) => /^99\b/.test(line)).length;
        const isOther = (_: string, index: number): boolean => !/^99\b/.test(found.lines[index] ?? '');
        const others = { ...found, lines: found.lines.filter(isOther), matches: found.matches.filter(isOther) };
        assert.deepEqual(others, summary(ask(without, { target })), `${target}\n${own}\nat ${place} of\n${rules}`);
      }
    }),
    fuzzRun(t, 500),
  );
  assert.ok(matches > 300, `${matches} matches`);
});

/** All that one can see. A phase that failed says so, whatever the words. */
function summary({ inspection, outcomes, lines }: Told) {
  return {
    outcomes: outcomes.map((outcome) => (outcome.kind === 'failed' ? 'failed' : outcome)),
    lines,
    interruption: inspection.interruption,
    matches: inspection.matches.map(({ variable, value }) => `${variable}=${value}`),
    scores: ['a', 'b', 'c'].map((of) => inspection.score(of)),
  };
}
