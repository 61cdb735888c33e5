import { loadRecordings, recordingsFolder } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy } from '../src/index.ts';
import { namesOf } from './policy-support.ts';

const hasRecordings = recordingsFolder() !== undefined;
const DROPPED = ['alt-svc', 'connection', 'keep-alive', 'nel', 'report-to', 'set-cookie', 'strict-transport-security', 'trailer', 'transfer-encoding'];

test.skipIf(!hasRecordings)(`recorded answers of the real API lose only what belongs to the hop or the origin${hasRecordings ? '' : ' (skipped: no recordings here)'}`, () => {
  const policy = createHeaderPolicy(anthropicHeaderRules);
  let checked = 0;
  for (const { name, meta } of loadRecordings('sse', 'json', 'jsonl', 'error')) {
    const fields = Object.entries(meta?.response?.headers ?? {}).flatMap(([field, value]) => (typeof value === 'string' ? [value] : value).flatMap((line) => [field, line]));
    if (fields.length === 0) continue;
    const { headers, dropped } = policy.forwardResponseHeaders(fields);
    // A cassette that was decoded has a bogus length beside its transfer coding; that one is ours to drop.
    const expected = namesOf(fields).filter((field) => !DROPPED.includes(field) && !(field === 'content-length' && namesOf(fields).includes('transfer-encoding')));
    expect(namesOf(headers), name).toEqual(expected);
    expect(dropped.filter(({ reason }) => reason === 'invalid'), name).toEqual([]);
    checked += 1;
  }
  expect(checked).toBeGreaterThan(20);
});
