import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, eachByte, scanChunks, scanText } from './scan.ts';

const MEMBERS = ['model', 'stream', 'max_tokens', 'fallbacks[].model', 'tools[].model', 'stop[]'];
const OPTIONS = { members: MEMBERS, maxValueBytes: 24, maxValues: 4 };
const cuts = fc.array(fc.nat(), { maxLength: 12 });

/** Objects that have the chosen members often, beside whatever else. */
const names = fc.oneof(fc.constantFrom('model', 'stream', 'max_tokens', 'fallbacks', 'tools', 'stop'), fc.string({ unit: 'binary' }));
const body = fc.dictionary(names, fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.array(fc.dictionary(names, fc.jsonValue({ maxDepth: 1 })))));

describe('any split', () => {
  it('gives the same envelope, and it is what JSON.parse reads', () => {
    fc.assert(
      fc.property(body, cuts, fc.constantFrom('', ' ', '\t', '\n'), (value, places, indent) => {
        const text = JSON.stringify(value, null, indent);
        const bytes = Buffer.from(text);
        const whole = scanText(bytes, { members: MEMBERS, maxValueBytes: 8192, maxValues: 1000 });
        if (!('envelope' in whole)) throw new Error(`refused ${text}`);
        expect(Object.fromEntries(whole.envelope.members)).toEqual(readWithParse(JSON.parse(text)));
        expect(scanChunks(cutAt(bytes, places), OPTIONS)).toEqual(scanText(bytes, OPTIONS));
        expect(scanChunks(eachByte(bytes), OPTIONS)).toEqual(scanText(bytes, OPTIONS));
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same refusal at the same byte', () => {
    fc.assert(
      fc.property(body, fc.nat(), fc.nat(255), cuts, (value, place, byte, places) => {
        const bytes = Buffer.from(JSON.stringify(value));
        bytes[place % bytes.length] = byte;
        const whole = scanText(bytes, OPTIONS);
        expect(scanChunks(cutAt(bytes, places), OPTIONS)).toEqual(whole);
        expect(scanChunks(eachByte(bytes), OPTIONS)).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });
});

/** The chosen members, read the ordinary way. */
function readWithParse(value: unknown): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  const keep = (path: string, member: unknown): void => {
    (found[path] ??= []).push(memberValue(member));
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return found;
  for (const [name, member] of Object.entries(value)) {
    if (['model', 'stream', 'max_tokens'].includes(name)) keep(name, member);
    if (!Array.isArray(member)) continue;
    for (const element of member as unknown[]) {
      if (name === 'stop') keep('stop[]', element);
      if (name !== 'fallbacks' && name !== 'tools') continue;
      if (typeof element !== 'object' || element === null || Array.isArray(element)) continue;
      if ('model' in element) keep(`${name}[].model`, element.model);
    }
  }
  return found;
}

function memberValue(value: unknown): unknown {
  if (value === null) return { kind: 'null' };
  if (Array.isArray(value)) return { kind: 'array' };
  if (typeof value === 'number') return { kind: 'number', value, text: JSON.stringify(value) };
  return typeof value === 'object' ? { kind: 'object' } : { kind: typeof value, value };
}
