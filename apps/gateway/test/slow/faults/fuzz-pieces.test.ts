import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { createUsageObserver } from '@penstock/anthropic-usage';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keepCumulative, mergeExpositions } from '../../../src/observe/metrics/merge-expositions.ts';
import { ResultsUrlRewriter, ResultsUrlText } from '../../../src/native/rewrite-results-url.ts';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { FUZZ } from './fuzz-time.ts';

const ORIGIN = 'https://api.anthropic.com';
const REWRITE = { origins: [ORIGIN], base: 'http://gateway:8000/anthropic' };
const PATH = '/v1/messages/batches/msgbatch_1/results';

/** Runs a property for its time and prints how often it ran. */
async function fuzz<Values extends [unknown, ...unknown[]]>(name: string, arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> }, check: (...values: Values) => void | Promise<void>): Promise<void> {
  let runs = 0;
  await fc.assert(fc.asyncProperty(...arbitraries, async (...values) => {
    runs += 1;
    await check(...values);
  }), FUZZ);
  console.log(`fuzz: ${runs} times ${name}`);
}

const url = fc.oneof(fc.constantFrom(ORIGIN, 'https://elsewhere.example', `${ORIGIN}.elsewhere.example`, 'https://x@api.anthropic.com').map((origin) => origin + PATH), fc.constant(`${ORIGIN}/v1/organizations`), fc.string(), fc.constant(null));
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"results_url":"', `\\"results_url\\":\\"${ORIGIN}${PATH}\\"`, `"results_url":"${ORIGIN}${PATH}"`, '\\', '"'));
/** Without backslashes: once V8 has read a key with one, it takes some escaped keys for it (seen in Node 24 and 26), and the oracle reads by V8. */
const key = text.filter((value) => !value.includes('\\'));
const { document } = fc.letrec<{ document: unknown }>((tie) => ({
  document: fc.oneof({ depthSize: 'small' }, text, url, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.array(tie('document'), { maxLength: 4 }), fc.dictionary(fc.oneof(fc.constant('results_url'), key), fc.oneof(url, tie('document')), { maxKeys: 4 })),
}));

/** The rewrite on the parsed document: what the rewrite of the bytes must come to. */
function rewriteParsed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewriteParsed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) =>
    [name, name === 'results_url' && typeof member === 'string' && member.startsWith(`${ORIGIN}/v1/messages/batches/`) ? REWRITE.base + member.slice(ORIGIN.length) : rewriteParsed(member)]));
}

function rewriteWhole(body: Buffer): Buffer {
  const rewritten = new ResultsUrlText(REWRITE);
  return Buffer.concat([rewritten.write(body), rewritten.end()]);
}

test('the rewrite of results_url changes that member of a JSON text and nothing else, whatever stands around it', { timeout: 150_000 }, async () => {
  await fuzz('a batch object was rewritten', [document, fc.constantFrom(undefined, 1, '\t')], (value, indent) => {
    const before = Buffer.from(JSON.stringify(value, undefined, indent));
    expect(JSON.parse(rewriteWhole(before).toString())).toEqual(JSON.parse(JSON.stringify(rewriteParsed(JSON.parse(before.toString())))));
  });
});

test('the rewriter says the same however its chunks are cut, and passes bytes that are no JSON as they are', { timeout: 150_000 }, async () => {
  await fuzz('chunks went through the rewriter', [fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), text.map((part) => Buffer.from(part))), { maxLength: 8 }), fc.boolean()], (parts, breaks) => {
    const out: Buffer[] = [];
    const calls: string[] = [];
    const controller = { rawHeaders: [Buffer.from('content-length'), Buffer.from('1')], abort: () => undefined, pause: () => undefined, resume: () => undefined } as never;
    const rewriter = new ResultsUrlRewriter({
      onResponseStart: () => { calls.push('start'); }, onResponseData: (_controller, chunk) => { out.push(chunk); },
      onResponseEnd: () => { calls.push('end'); }, onResponseError: () => { calls.push('error'); },
    }, REWRITE);
    rewriter.onResponseStart(controller, 200, { 'content-type': 'application/json' });
    for (const part of parts) rewriter.onResponseData(controller, Buffer.from(part));
    if (breaks) rewriter.onResponseError(controller, new Error('broken'));
    else rewriter.onResponseEnd(controller, {});
    const whole = Buffer.concat(parts);
    expect(Buffer.concat(out).equals(rewriteWhole(whole))).toBe(true);
    expect(calls).toEqual(['start', breaks ? 'error' : 'end']);
  });
});

const CODINGS = { identity: (bytes: Buffer) => bytes, gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: (bytes: Buffer) => bytes } as const;
const eventPiece = fc.oneof(
  fc.constantFrom('event: message_start\n', 'event: message_delta\n', 'event: error\n', '\n', '\r\n', '\r', '\n\n', ':\n', 'data', 'data: ', '\u{FEFF}'),
  fc.constantFrom('data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":1e999,"output_tokens":-5}}}\n\n', 'data: {"type":"message_delta","usage":{"output_tokens":"7"}}\n\n', 'data: {"type":"message_delta","usage":null}\n\n', 'data: {"usage":{"__proto__":1}}\n\n', 'data: [[[[\n\n'),
  fc.json().map((json) => `data: ${json}\n\n`), fc.string({ unit: 'binary' }),
);

test('the usage observer makes finite numbers, or none, of any bytes in any coding, and never throws', { timeout: 150_000 }, async () => {
  await fuzz('garbage was observed', [fc.constantFrom('text/event-stream', 'application/json', 'text/html'), fc.constantFrom(...Object.keys(CODINGS) as (keyof typeof CODINGS)[]), fc.array(eventPiece, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), fc.option(fc.nat(400))], async (type, coding, pieces, size, damageAt) => {
    const observer = createUsageObserver();
    const bytes = Buffer.from(CODINGS[coding](Buffer.from(pieces.join(''))));
    if (damageAt !== null && bytes.length > 0) bytes[damageAt % bytes.length] = (bytes[damageAt % bytes.length] ?? 0) ^ 0xff;
    observer.onHead?.(200, ['content-type', type, ...(coding === 'identity' ? [] : ['content-encoding', coding])]);
    for (let offset = 0; offset < bytes.length; offset += size) observer.onChunk(bytes.subarray(offset, offset + size));
    await observer.onEnd('complete');
    const { serverToolRequests, ...tokens } = observer.result().usage;
    for (const count of [...Object.values(tokens), ...Object.values(serverToolRequests)].map(Number)) expect(Number.isFinite(count) && count >= 0, JSON.stringify(tokens)).toBe(true);
  });
});

const labelValue = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"'));
const exposition = fc.array(fc.record({ name: fc.constantFrom('a_total', 'b_total', 'c_total'), label: labelValue, value: fc.nat(1_000_000) }), { maxLength: 12 });
const print = (samples: readonly { readonly name: string; readonly label: string; readonly value: number }[]): string =>
  ['a_total', 'b_total', 'c_total'].map((name) => `# HELP ${name} x.\n# TYPE ${name} counter\n${[...new Map(samples.filter((sample) => sample.name === name).map((sample) => [sample.label, `${name}{l="${sample.label}"} ${sample.value}\n`])).values()].join('')}`).join('');

test('merged expositions add up, whatever labels hold, and text that is none does no harm', { timeout: 150_000 }, async () => {
  await fuzz('expositions were merged', [fc.array(exposition, { maxLength: 4 }), fc.array(fc.string({ unit: 'binary' }), { maxLength: 6 })], (workers, garbage) => {
    const texts = workers.map(print);
    const merged = mergeExpositions(texts);
    for (const name of ['a_total', 'b_total', 'c_total']) expect(sumOf(merged, name) ?? 0).toBe(texts.reduce((sum, one) => sum + (sumOf(one, name) ?? 0), 0));
    expect(mergeExpositions([merged])).toBe(merged);
    expect(typeof mergeExpositions(garbage.map((lines) => `# TYPE ${lines} counter\n${lines}`)) + typeof keepCumulative(garbage.join('\n'))).toBe('stringstring');
  });
});
