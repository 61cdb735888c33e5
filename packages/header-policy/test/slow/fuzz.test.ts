import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy, HEADER_VIOLATION_CODES, hasViaPseudonym, openaiHeaderRules, safeStatusMessage } from '../../src/index.ts';
import { fieldName, fieldSection, hostileSection } from '../arbitrary-headers.ts';
import { checkRequest, checkResponse } from '../policy-properties.ts';

/** How long each target runs; `PENSTOCK_FUZZ_MS` makes it longer. */
const FUZZ_MS = Number(process.env['PENSTOCK_FUZZ_MS'] ?? 10_000);
const bounded = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: FUZZ_MS, markInterruptAsFailure: false } as const;

const patterns = fc.array(fc.oneof(fieldName, fieldName.map((name) => `${name.slice(0, 3)}*`), fc.constant('*')), { maxLength: 6 });

test('no field section breaks a guarantee of the shipped rules, nor throws', () => {
  const policies = [createHeaderPolicy(anthropicHeaderRules), createHeaderPolicy(openaiHeaderRules), createHeaderPolicy({ allowRequest: ['*'] })];
  let runs = 0;
  fc.assert(fc.property(fc.oneof(fieldSection, hostileSection), fc.constantFrom(...policies), (fields, policy) => {
    runs += 1;
    checkRequest(policy, fields);
    checkResponse(policy, fields);
  }), bounded);
  expect(runs).toBeGreaterThan(100);
});

test('no rules weaken a guarantee: they are refused, or hold what shipped rules hold', () => {
  let runs = 0;
  fc.assert(fc.property(patterns, patterns, patterns, fieldSection, (allowRequest, denyRequest, denyResponse, fields) => {
    const allowed = allowRequest.filter((pattern) => isAccepted(pattern));
    const policy = createHeaderPolicy({ allowRequest: allowed, denyRequest: denyRequest.filter(isPattern), denyResponse: denyResponse.filter(isPattern) });
    runs += 1;
    checkRequest(policy, fields);
    checkResponse(policy, fields);
  }), bounded);
  expect(runs).toBeGreaterThan(100);
});

test('bytes of a header block cut anywhere give only known verdicts', () => {
  const block = fc.tuple(fieldSection, fc.nat(400), fc.string({ unit: 'binary', maxLength: 3 }));
  const policy = createHeaderPolicy(anthropicHeaderRules);
  fc.assert(fc.property(block, ([fields, position, junk]) => {
    const text = fields.join('\n');
    const spoiled = `${text.slice(0, position)}${junk}${text.slice(position)}`.split('\n');
    const result = policy.forwardRequestHeaders(spoiled);
    if (!result.ok) expect(HEADER_VIOLATION_CODES).toContain(result.violation.code);
    expect(safeStatusMessage(position, spoiled[0] ?? '')).toMatch(/^[\t\x20-\x7e]*$/);
    expect(hasViaPseudonym([...spoiled.slice(0, spoiled.length - spoiled.length % 2), 'via', '1.1 penstock'], 'penstock')).toBe(true);
  }), bounded);
});

function isPattern(pattern: string): boolean {
  return pattern === '*' || !pattern.slice(0, -1).includes('*');
}

/** The rules refuse whole names that never cross; here they are left out one by one, so that the rest is tried. */
function isAccepted(pattern: string): boolean {
  try {
    createHeaderPolicy({ allowRequest: [pattern] });
    return true;
  } catch {
    return false;
  }
}
