import { expect } from 'vitest';
import { DROP_REASONS, HEADER_VIOLATION_CODES, HOP_BY_HOP_FIELDS, type HeaderPolicy } from '../src/index.ts';
import { namesOf } from './policy-support.ts';

const SECRETS = ['authorization', 'x-api-key', 'api-key', 'proxy-authorization', 'cookie', 'set-cookie'];
const NEVER_IN_REQUEST = [...HOP_BY_HOP_FIELDS.keys(), ...SECRETS, 'host', 'content-length', 'expect', 'x-forwarded-for', 'forwarded', 'cf-ray', 'x-penstock-client', 'x-penstock-error'];
const NEVER_IN_RESPONSE = [...HOP_BY_HOP_FIELDS.keys(), ...SECRETS, 'x-penstock-client', 'x-penstock-error'];

/** All that must hold of any request through any policy, however hostile; fails the test otherwise. */
export function checkRequest(policy: HeaderPolicy, fields: readonly string[]): void {
  const set = ['x-api-key', 'ours', 'via', '1.1 penstock', 'x-app', 'gateway'];
  const result = policy.forwardRequestHeaders(fields, { set });
  if (!result.ok) {
    expect(HEADER_VIOLATION_CODES).toContain(result.violation.code);
    expect(result.violation.name).toMatch(/^[\x21-\x7e]{0,64}$/);
    return;
  }
  // Ours stand last, whole, whatever was nominated.
  expect(result.headers.slice(-set.length)).toEqual(set);
  const crossed = result.headers.slice(0, -set.length);
  expect(namesOf(crossed).filter((name) => NEVER_IN_REQUEST.includes(name.replaceAll('_', '-')) || name === 'x-app')).toEqual([]);
  checkSplit(fields, crossed, result.dropped);
  // Forwarding what was forwarded changes nothing and drops nothing.
  expect(policy.forwardRequestHeaders(crossed)).toEqual({ ok: true, headers: crossed, dropped: [] });
  const forwardedCredentials = policy.forwardRequestHeaders(fields, { forwardCredentials: true });
  if (!forwardedCredentials.ok) expect.fail('refused only when credentials are forwarded');
  expect(policy.forwardRequestHeaders(forwardedCredentials.headers, { forwardCredentials: true })).toEqual({ ok: true, headers: forwardedCredentials.headers, dropped: [] });
}

/** All that must hold of any response through any policy; fails the test otherwise. */
export function checkResponse(policy: HeaderPolicy, fields: readonly string[]): void {
  const { headers, dropped } = policy.forwardResponseHeaders(fields);
  expect(namesOf(headers).filter((name) => NEVER_IN_RESPONSE.includes(name.replaceAll('_', '-')))).toEqual([]);
  expect(namesOf(headers).filter((name) => name === 'content-length').length).toBeLessThanOrEqual(1);
  checkSplit(fields, headers, dropped);
  expect(policy.forwardResponseHeaders(headers)).toEqual({ headers, dropped: [] });
}

/** Every field either crossed unchanged and in order, or is among the dropped: none vanished, none was invented. */
function checkSplit(fields: readonly string[], crossed: readonly string[], dropped: ReadonlyArray<{ readonly name: string; readonly reason: string }>): void {
  expect(crossed.length / 2 + dropped.length).toBe(Math.ceil(fields.length / 2));
  let position = 0;
  for (let index = 0; index < fields.length && position < crossed.length; index += 2) {
    if (fields[index] === crossed[position] && fields[index + 1] === crossed[position + 1]) position += 2;
  }
  expect(position).toBe(crossed.length);
  for (const { reason } of dropped) expect(DROP_REASONS).toContain(reason);
}
