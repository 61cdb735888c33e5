/**
 * What one streamed event costs in CPU time: the translation of a Messages stream into Chat Completions chunks and into events of a response, beside the
 * least any relay of events could do (find the blank lines and copy) and beside parsing and writing each event again.
 * Run with `node --conditions=@penstock/source bench/translate-stream.bench.ts`. Rounds are interleaved, medians are shown.
 */
import { BUILT_IN_MODEL_CAPABILITIES, capabilitiesOf, translateRequest } from '../src/index.ts';
import { createEventDecoder } from '../src/messages-core/event-decoder.ts';
import { createStreamTranslator } from '../src/chat/stream-translator.ts';
import { createMessagesStream, type StreamTranslator } from '../src/messages-core/messages-stream.ts';
import { createResponseEvents } from '../src/responses/response-events.ts';
import { ResponseWriter } from '../src/responses/response-writer.ts';
import { messageEvents, text, toolUse } from '../test/support/messages-upstream.ts';

const DELTAS = 5000;
const ROUNDS = 41;
const CHUNK_BYTES = 4096;
const words = Array.from({ length: DELTAS }, (_, index) => ` word${index} "quoted"`);
const stream = Buffer.from(messageEvents([text(...words), toolUse('toolu_1', 'a', '{"x":', '1}')], { stopReason: 'tool_use' }));
const events = stream.toString().split('\n\n').length - 1;
const chunks = Array.from({ length: Math.ceil(stream.length / CHUNK_BYTES) }, (_, index) => stream.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));

/** Keeps results alive, so that nothing measured is optimised away. */
let sink = 0;

function translateWith(translator: StreamTranslator): void {
  let frames = '';
  const decoder = createEventDecoder({ maxEventChars: 1 << 20, onData: (data) => { frames += translator.translate(data); } });
  for (const chunk of chunks) {
    frames = '';
    decoder.write(chunk);
    sink += Buffer.from(frames).length;
  }
}

function translateAll(): void {
  translateWith(createStreamTranslator({ includeUsage: true, wantsReasoning: false, usesLegacyFunctions: false, created: 1, maxThinkingChars: 1 }));
}

const ECHO = { max_output_tokens: null, parallel_tool_calls: true, temperature: 1, top_p: 1, reasoning: { effort: null, summary: null } };

function translateResponse(): void {
  translateWith(createMessagesStream(new ResponseWriter({ names: {}, echo: ECHO, created: 1, maxBytes: 1 << 25 }, createResponseEvents())));
}

function parseAndWrite(): void {
  let frames = '';
  const decoder = createEventDecoder({ maxEventChars: 1 << 20, onData: (data) => { frames += `data: ${JSON.stringify(JSON.parse(data))}\n\n`; } });
  for (const chunk of chunks) {
    frames = '';
    decoder.write(chunk);
    sink += Buffer.from(frames).length;
  }
}

function findBoundaries(): void {
  for (const chunk of chunks) {
    for (let at = chunk.indexOf('\n\n'); at !== -1; at = chunk.indexOf('\n\n', at + 2)) sink += 1;
    sink += Buffer.from(chunk).length;
  }
}

const history = Array.from({ length: 200 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content: `Message ${index} `.repeat(40) }));
const request = { model: 'claude-sonnet-4-5', messages: [...history, { role: 'user', content: 'Go on' }], tools: Array.from({ length: 20 }, (_, index) => ({ type: 'function', function: { name: `tool_${index}`, parameters: { type: 'object', properties: { x: { type: 'string' } } } } })) };
const requestBytes = JSON.stringify(request).length;
const settings = {
  upstreamModel: 'claude-sonnet-4-5', capabilities: capabilitiesOf(BUILT_IN_MODEL_CAPABILITIES, 'claude-sonnet-4-5'), defaultMaxTokens: 8192,
  laterSystemMessages: 'hoist', jsonObjectFormat: 'reject', reasoningContent: false,
} as const;

function translateRequests(): void {
  for (let index = 0; index < 10; index += 1) sink += translateRequest(request, settings).body.length;
}

const contenders = { translateAll, translateResponse, parseAndWrite, findBoundaries, translateRequests };
const spent: Record<keyof typeof contenders, number[]> = { translateAll: [], translateResponse: [], parseAndWrite: [], findBoundaries: [], translateRequests: [] };
const names = Object.keys(contenders) as (keyof typeof contenders)[];
for (let round = 0; round < ROUNDS; round += 1) {
  for (const name of names) {
    const before = process.cpuUsage();
    contenders[name]();
    const { user, system } = process.cpuUsage(before);
    // The first rounds are the compiler's.
    if (round >= 5) spent[name].push(user + system);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

const perEvent = (name: keyof typeof contenders): number => median(spent[name]) / events;
console.log(`${events} events, ${stream.length} bytes, ${ROUNDS - 5} rounds, CPU time`);
console.log(`translate one event       ${perEvent('translateAll').toFixed(3)} µs (chat), ${perEvent('translateResponse').toFixed(3)} µs (responses)`);
console.log(`parse and write one event ${perEvent('parseAndWrite').toFixed(3)} µs (translation is ${(perEvent('translateAll') / perEvent('parseAndWrite')).toFixed(2)} × for chat, ${(perEvent('translateResponse') / perEvent('parseAndWrite')).toFixed(2)} × for responses)`);
console.log(`find one boundary         ${perEvent('findBoundaries').toFixed(3)} µs`);
console.log(`translate one request of ${requestBytes} bytes ${(median(spent.translateRequests) / 10).toFixed(0)} µs`);
if (sink === 0) throw new Error('nothing was done');
