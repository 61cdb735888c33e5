import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { openRawConnection, statusOf, type RawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { referenceSplice } from '../native/reference-splice.ts';
import { entriesFor, OVERLOADED, SERVED, startAnswering, startGroupGateway } from '../native/two-upstreams.ts';

const REQUESTS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 500 : 8_000;
const MODEL = 'claude-x';
const IDS = ['anthropic.claude-x', 'arn:aws:bedrock:eu-central-1:1:x/"\\'];
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const space = fc.constantFrom('', '', '', ' ', '\n', '\r\n', '\t  ');
/** A string in one of its spellings: each character as it is, or as an escape. */
const spelled = (text: string): fc.Arbitrary<string> => fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length })
  .map((escapes) => `"${Array.from(text, (character, index) => (escapes[index] === true ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : character)).join('')}"`);
const piece = fc.oneof(
  fc.nat(70_000).map((length) => 'x'.repeat(length % 97 === 0 ? length : length % 97)),
  fc.constantFrom('\\"', '\\\\', '\\/', '\\n', '\\u00e9', '\\ud83d\\ude00', 'é', '€', '😀', '\\"model\\":\\"claude-x\\"', '{', '}', ',', ':'),
);
const text = fc.array(piece, { maxLength: 8 }).map((pieces) => `"${pieces.join('')}"`);
const scalar = fc.oneof(text, fc.constantFrom('1.50', '12345678901234567890', '-0', '1E400', 'true', 'null', '"claude-x"'));
const nested = fc.oneof(scalar, fc.tuple(spelled('model'), scalar).map(([name, value]) => `{${name}:${value}}`), fc.array(scalar, { maxLength: 3 }).map((list) => `[${list.join(',')}]`));
const otherMember = fc.tuple(fc.oneof(text, fc.constantFrom('"messages"', '"models"', '"Model"', '"system"')), nested);
const modelMember = fc.tuple(spelled('model'), fc.oneof({ weight: 8, arbitrary: spelled(MODEL) }, { weight: 1, arbitrary: nested }));
const furtherMember = fc.constantFrom<[string, string]>(['"fallbacks"', '[{"model":"claude-x"}]'], ['"tools"', '[{"model":null}]'], ['"fallbacks"', '[{}]']);

const body = fc.tuple(
  fc.array(otherMember, { maxLength: 3 }), fc.array(modelMember, { minLength: 1, maxLength: 1 }), fc.option(modelMember, { freq: 8 }), fc.option(furtherMember, { freq: 8 }),
  fc.array(otherMember, { maxLength: 3 }), space,
).map(([before, model, second, further, after, gap]) => {
  const members = [...before, ...model, ...second === null ? [] : [second], ...further === null ? [] : [further], ...after];
  return Buffer.from(`${gap}{${gap}${members.map(([name, value]) => `${name}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}${gap}`);
});
/** Some have one byte changed: most of these are no JSON any more. */
const damaged = fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: fc.tuple(body, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
  const copy = Buffer.from(bytes);
  copy[at % copy.length] = byte;
  return copy;
}) });

/** The names of the members of the text's own object, decoded. */
function topNames(whole: string): readonly string[] {
  const names: string[] = [];
  let depth = 0;
  let isName = false;
  for (const [token] of whole.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    if (token === '{' || token === '[') { depth += 1; isName = token === '{'; } else if (token === '}' || token === ']') depth -= 1;
    else if (token === ',') isName = true;
    else if (token === ':') isName = false;
    else if (depth === 1 && isName) names.push(JSON.parse(token) as string);
  }
  return names;
}

/** Whether the body is one in which the name is replaced; any other is refused. */
function isServed(bytes: Buffer): boolean {
  let whole: string;
  let value: unknown;
  try {
    whole = decoder.decode(bytes);
    value = JSON.parse(whole);
  } catch {
    return false;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const names = topNames(whole);
  const isTwice = ['model', 'stream', 'max_tokens', 'fallbacks', 'tools', 'thread'].some((name) => names.filter((other) => other === name).length > 1);
  const { model, fallbacks = [], tools = [] } = value as { model?: unknown; fallbacks?: unknown; tools?: unknown };
  const hasFurther = [fallbacks, tools].some((list) => Array.isArray(list) && list.some((entry) => typeof entry === 'object' && entry !== null && Object.hasOwn(entry, 'model')));
  return !isTwice && !hasFurther && model === MODEL;
}

function send(connection: RawConnection, bytes: Buffer, places: readonly number[], isChunked: boolean): void {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((left, right) => left - right), bytes.length];
  const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge)).filter(({ length }) => length > 0);
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${isChunked ? 'transfer-encoding: chunked' : `content-length: ${bytes.length}`}\r\n\r\n`);
  for (const chunk of pieces) connection.send(isChunked ? Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]) : chunk);
  if (isChunked) connection.send('0\r\n\r\n');
}

test('any body, cut anywhere, reaches upstreams with other names for its model as a reference makes it, or none of them', async () => {
  await using first = await startAnswering();
  await using second = await startAnswering();
  const entries = entriesFor([first.origin, second.origin], IDS.map((id) => ({ model_map: { [MODEL]: id } })));
  await using gateway = await startGroupGateway(entries, { routing: { cool_down: [0.001, 0.001] } });
  let served = 0;
  let refused = 0;
  await fc.assert(fc.asyncProperty(damaged, fc.array(fc.nat(), { maxLength: 6 }), fc.boolean(), fc.boolean(), async (bytes, places, isChunked, isRefused) => {
    first.answer = isRefused ? OVERLOADED : SERVED;
    const before = [first, second].map(({ requests }) => requests.length);
    const connection = await openRawConnection(gateway.port);
    try {
      send(connection, bytes, places, isChunked);
      const status = statusOf(await connection.readMessage({ kind: 'response' }, 60_000));
      const arrived = [first, second].map(({ requests }, index) => requests.slice(before[index]).map((request) => request.body.toString('latin1')));
      if (isServed(bytes)) {
        const expected = IDS.map((id) => referenceSplice(bytes, id).toString('latin1'));
        for (const [index, bodies] of arrived.entries()) for (const one of bodies) expect(one).toBe(expected[index]);
        expect([status, arrived.flat().length]).toEqual([200, arrived[0]?.length === 1 && isRefused ? 2 : 1]);
        served += 1;
      } else {
        expect([status, arrived]).toEqual([400, [[], []]]);
        refused += 1;
      }
    } finally {
      connection.close();
    }
  }), { numRuns: REQUESTS });
  expect([served > 0, refused > 0]).toEqual([true, true]);
}, 1_800_000);
