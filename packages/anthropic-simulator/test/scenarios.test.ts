import { readEvents } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCENARIO_NAMES, startSimulator, type Simulator } from '../src/index.ts';
import { assembleMessage, checkGrammar } from './assemble-message.ts';
import { askModel, jsonOf, payloadsOf, QUESTION, record, records } from './fixture.ts';

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator({ pacing: { firstTokenMs: 0, tokensPerSecond: 1_000_000 } }); });
afterAll(async () => { await simulator.close(); });

const UNPACED = SCENARIO_NAMES.filter((name) => !['sim-slow', 'sim-paced'].includes(name));
const WHOLE = UNPACED.filter((name) => !['sim-stream-error', 'sim-error-first', 'sim-cut-tool-use'].includes(name));
const WEATHER = { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } }, required: ['city'] } };
const CLOCK = { name: 'clock', input_schema: { type: 'object', properties: {} } };

describe('every scenario', () => {
  it.each(UNPACED)('%s streams by the grammar of the API, in its bytes (LF only, one data line, padded JSON)', async (model) => {
    const answer = await askModel(simulator, model, { stream: true });
    expect(answer.framing).toBe('chunked');
    const text = answer.body.toString();
    expect(text).not.toContain('\r');
    for (const block of text.split('\n\n').slice(0, -1)) expect(block).toMatch(/^event: [a-z_]+\ndata: \{.*\}$/);
    checkGrammar(payloadsOf(answer.body));
  });

  it.each(WHOLE)('%s says the same in a stream as in one piece', async (model) => {
    const whole = jsonOf(await askModel(simulator, model));
    const streamed = assembleMessage(payloadsOf((await askModel(simulator, model, { stream: true })).body));
    expect(streamed).toEqual(whole);
  });

  it('pads its events and never a ping', async () => {
    const text = (await askModel(simulator, 'sim-all-blocks', { stream: true })).body.toString();
    expect(text).toContain('event: ping\ndata: {"type": "ping"}\n\n');
    const { events } = readEvents(Buffer.from(text));
    const padded = events.filter((event) => / +\}$/.test(event.data));
    expect(padded.length).toBeGreaterThan(events.length / 2);
    expect(Math.max(...padded.map((event) => (/( +)\}$/.exec(event.data)?.[1] ?? '').length))).toBeLessThanOrEqual(15);
  });

  it('holds every delta type of the API between them', async () => {
    const seen = new Set<string>();
    for (const model of ['sim-all-blocks', 'sim-thinking']) {
      for (const payload of payloadsOf((await askModel(simulator, model, { stream: true })).body)) {
        if (payload['type'] === 'content_block_delta') seen.add(String(record(payload['delta'])['type']));
      }
    }
    expect([...seen].toSorted((a, b) => a.localeCompare(b))).toEqual(['citations_delta', 'compaction_delta', 'input_json_delta', 'signature_delta', 'text_delta', 'thinking_delta']);
  });

  it.each([
    ['sim-text', 'end_turn'], ['sim-max-tokens', 'max_tokens'], ['sim-stop-sequence', 'stop_sequence'], ['sim-tool-use', 'tool_use'],
    ['sim-pause-turn', 'pause_turn'], ['sim-refusal', 'refusal'], ['sim-context-window', 'model_context_window_exceeded'], ['sim-unknown-stop', 'sluice_closed'],
  ])('%s stops with %s', async (model, reason) => {
    expect(jsonOf(await askModel(simulator, model))['stop_reason']).toBe(reason);
  });
});

describe('tools', () => {
  it("calls the request's own tool with arguments that hold to its schema, then answers its result with text (a tool loop ends)", async () => {
    const first = jsonOf(await askModel(simulator, 'sim-tool-use', { tools: [WEATHER] }));
    const use = records(first['content']).find((block) => block['type'] === 'tool_use');
    expect(use).toMatchObject({ name: 'weather' });
    expect(typeof record(use?.['input'])['city']).toBe('string');
    const messages = [
      { role: 'user', content: 'Weather?' }, { role: 'assistant', content: first['content'] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use?.['id'], content: '12 degrees' }] },
    ];
    const second = jsonOf(await askModel(simulator, 'sim-tool-use', { tools: [WEATHER], messages }));
    expect(second).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text' }] });
  });

  it('calls several tools in parallel, and one without arguments in a single empty piece', async () => {
    const several = records(jsonOf(await askModel(simulator, 'sim-parallel-tools', { tools: [WEATHER, CLOCK] }))['content']);
    expect(several.filter((block) => block['type'] === 'tool_use').map((block) => block['name'])).toEqual(['weather', 'clock']);
    const payloads = payloadsOf((await askModel(simulator, 'sim-no-argument-tool', { tools: [CLOCK], stream: true })).body);
    const deltas = payloads.filter((payload) => payload['type'] === 'content_block_delta').map((payload) => payload['delta']);
    expect(deltas).toEqual([{ type: 'input_json_delta', partial_json: '' }]);
  });

  it('makes any other model call the tool that tool_choice forces, and none where it forbids', async () => {
    const forced = jsonOf(await askModel(simulator, 'claude-haiku-4-5', { tools: [WEATHER, CLOCK], tool_choice: { type: 'tool', name: 'clock' } }));
    expect(forced).toMatchObject({ stop_reason: 'tool_use', content: [{ type: 'tool_use', name: 'clock', input: {} }] });
    const forbidden = jsonOf(await askModel(simulator, 'sim-tool-use', { tools: [WEATHER], tool_choice: { type: 'none' } }));
    expect(forbidden['stop_reason']).toBe('end_turn');
  });

  it('leaves the JSON of a cut tool call invalid, as max_tokens does', async () => {
    const payloads = payloadsOf((await askModel(simulator, 'sim-cut-tool-use', { stream: true, tools: [WEATHER] })).body);
    const json = payloads.map((payload) => record(payload['delta'] ?? {})['partial_json']).filter((piece) => typeof piece === 'string').join('');
    expect(json).toMatch(/^\{/);
    expect(() => { JSON.parse(json); }).toThrow(SyntaxError);
  });
});

describe('what the request asks for', () => {
  it('thinks when thinking is on, and shows only the signature when its display is omitted', async () => {
    const shown = records(jsonOf(await askModel(simulator, 'claude-opus-5', { thinking: { type: 'adaptive' } }))['content']);
    expect(shown.map((block) => block['type'])).toEqual(['thinking', 'text']);
    const omitted = records(jsonOf(await askModel(simulator, 'claude-opus-5', { thinking: { type: 'adaptive', display: 'omitted' } }))['content']);
    expect(omitted[0]).toMatchObject({ thinking: '' });
    expect(String(omitted[0]?.['signature']).length).toBeGreaterThan(100);
  });

  it('echoes the last text of the user, bytes and all', async () => {
    const text = 'zwei\nZeilen, “quotes”, \\ and 🎉';
    const answer = jsonOf(await askModel(simulator, 'sim-echo', { messages: [{ role: 'user', content: [{ type: 'text', text }] }] }));
    expect(answer).toMatchObject({ content: [{ type: 'text', text }] });
  });

  it('stops at max_tokens and at a stop sequence by itself', async () => {
    const short = jsonOf(await askModel(simulator, 'sim-text', { max_tokens: 3 }));
    expect(short).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 3 } });
    const stopped = jsonOf(await askModel(simulator, 'sim-echo', { stop_sequences: [' stop '], messages: [{ role: 'user', content: 'one stop two' }] }));
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: ' stop ', content: [{ text: 'one' }] });
  });

  it('writes as many tokens as max_tokens allows for sim-long, without holding the events', async () => {
    const response = await fetch(`${simulator.origin}/v1/messages`, {
      method: 'POST', headers: { 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...QUESTION, model: 'sim-long', stream: true, max_tokens: 20_000 }),
    });
    const payloads = payloadsOf(await response.bytes());
    expect(payloads.length).toBeGreaterThan(3_000);
    expect(payloads.at(-2)).toMatchObject({ usage: { output_tokens: 20_000 }, delta: { stop_reason: 'end_turn' } });
  });

  it('paces sim-slow with pings in the silences, and waits as long before the head of a whole answer', async () => {
    const clock = { now: () => 0, wait: () => Promise.resolve() };
    await using paced = await startSimulator({ clock });
    const text = (await askModel(paced, 'sim-slow', { stream: true })).body.toString();
    expect(text.match(/event: ping/g)?.length).toBeGreaterThan(3);
  });
});
