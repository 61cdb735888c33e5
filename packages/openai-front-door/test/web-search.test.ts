import { loadRecordings } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { answerEvents, answerJson, messageEvents, messageJson, text, thinking, type ScriptedBlock } from './support/messages-upstream.ts';
import { readResponseEvents, type ResponseEvent } from './support/response-events.ts';
import { eventSchema } from './support/open-responses-schema.ts';
import { startFrontDoor } from './support/start-front-door.ts';
import { refusal, translate } from './support/translate.ts';
import { responseRefusal, translateResponses } from './support/translate-response.ts';

const PAGE = { type: 'web_search_result', url: 'https://a.test/', title: 'A', encrypted_content: 'c2Vh', page_age: null };
const citation = (url: string): object => ({ type: 'web_search_result_location', url, title: `Title of ${url}`, cited_text: 'x', encrypted_index: 'aQ' });
const SEARCHED: readonly ScriptedBlock[] = [
  thinking('Search it.', 'c2ln'),
  { start: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, deltas: [{ type: 'input_json_delta', partial_json: '{"query":' }, { type: 'input_json_delta', partial_json: '"rome"}' }] },
  { start: { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [PAGE] }, deltas: [] },
  text('It is '),
  { start: { type: 'text', text: '', citations: [] }, deltas: [{ type: 'citations_delta', citation: citation('https://a.test/') }, { type: 'text_delta', text: 'in ' }, { type: 'text_delta', text: 'Italy' }, { type: 'citations_delta', citation: citation('https://b.test/') }, { type: 'citations_delta', citation: citation('https://a.test/') }] },
  text('.'),
];
const WHOLE = [
  { type: 'thinking', thinking: 'Search it.', signature: 'c2ln' }, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'rome' } }, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [PAGE] },
  { type: 'text', text: 'It is ' }, { type: 'text', text: 'in Italy', citations: [citation('https://a.test/'), citation('https://b.test/')] }, { type: 'text', text: '.' },
];
const ANNOTATIONS = ['https://a.test/', 'https://b.test/'].map((url) => ({ type: 'url_citation', url, title: `Title of ${url}`, start_index: 6, end_index: 14 }));
const LOCATION = { type: 'approximate', city: 'Rome', country: 'IT', region: null };

async function askResponses(isStream: boolean, fields: object = {}): Promise<{ readonly events: readonly ResponseEvent[]; readonly response: { readonly output: readonly Record<string, unknown>[] } }> {
  await using door = await startFrontDoor(isStream ? answerEvents(messageEvents(SEARCHED)) : answerJson(messageJson(WHOLE)));
  const answer = await fetch(`${door.baseURL}/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-sonnet-5-5', input: 'Where?', tools: [{ type: 'web_search' }], stream: isStream, ...fields }) });
  const events = isStream ? readResponseEvents(await answer.text()) : [];
  return { events, response: (isStream ? events.at(-1)?.['response'] : await answer.json()) as { output: Record<string, unknown>[] } };
}

describe('the web search, responses:', () => {
  it('responses: declares the search with its domains and location', () => {
    expect(translateResponses({ tools: [{ type: 'web_search', search_context_size: 'medium', external_web_access: true, user_location: LOCATION, filters: { allowed_domains: ['a.test'] } }] })).toMatchObject({
      body: { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 8, allowed_domains: ['a.test'], user_location: { type: 'approximate', city: 'Rome', country: 'IT' } }] }, ignoredParams: [],
    });
    expect(translateResponses({ tools: [{ type: 'web_search_preview_2025_03_11', search_context_size: 'high' }], tool_choice: { type: 'web_search_preview' } })).toMatchObject({ body: { tool_choice: { type: 'tool', name: 'web_search' } }, ignoredParams: ['tools.search_context_size'] });
  });

  it('responses: drops a search of an index that is not here (Codex declares it unasked)', () => {
    const { body, ignoredParams } = translateResponses({ tools: [{ type: 'web_search', external_web_access: false }], tool_choice: 'auto' });
    expect([body['tools'], ignoredParams]).toEqual([undefined, ['tools.web_search']]);
  });

  it.each([
    [{ tools: [{ type: 'web_search', filters: { allowed_domains: ['a'], blocked_domains: ['b'] } }] }, 'tools[0].filters'], [{ tools: [{ type: 'web_search', filters: { allowed_domains: 'a' } }] }, 'tools[0].filters.allowed_domains'],
    [{ tools: [{ type: 'web_search', user_location: 'Rome' }] }, 'tools[0].user_location'], [{ tools: [{ type: 'web_search' }, { type: 'function', name: 'web_search' }] }, 'tools[1].name'], [{ tools: [{ type: 'web_search', search_context_size: 7 }] }, 'tools.search_context_size'],
  ])('responses: refuses %j and names %s', (fields, param) => {
    expect(responseRefusal(fields)).toMatchObject({ status: 400, param });
  });

  it('responses: cites what was found, streamed as whole', async () => {
    const [streamed, whole] = [await askResponses(true), await askResponses(false)];
    expect(streamed.response.output).toEqual(whole.response.output);
    expect(whole.response.output).toMatchObject([
      { type: 'reasoning' }, { type: 'web_search_call', id: 'ws_01Test_1', status: 'completed', action: { type: 'search', query: 'rome', sources: [{ type: 'url', url: 'https://a.test/' }] } },
      { type: 'reasoning', summary: [] }, { type: 'message', content: [{ text: 'It is in Italy.', annotations: ANNOTATIONS }] },
    ]);
    expect(streamed.events.filter(({ type }) => type.startsWith('response.web_search_call')).map(({ type, item_id: id }) => [type, id])).toEqual(['in_progress', 'searching', 'completed'].map((state) => [`response.web_search_call.${state}`, 'ws_01Test_1']));
    const added = streamed.events.filter(({ type }) => type === 'response.output_text.annotation.added');
    expect(added.map(({ annotation_index: index, annotation }) => [index, annotation])).toEqual(ANNOTATIONS.map((annotation, index) => [index, annotation]));
    for (const event of streamed.events) if (!event.type.startsWith('response.web_search_call')) eventSchema.parse(event);
  });

  it('responses: goes on with what was found, in its place (the thinking behind it is bound to it)', async () => {
    const { response: { output } } = await askResponses(true);
    const input = [{ role: 'user', content: 'Where?' }, ...output, { role: 'user', content: 'Why?' }];
    expect(translateResponses({ tools: [{ type: 'web_search' }], input })).toMatchObject({ ignoredParams: [], body: { messages: [{}, { role: 'assistant', content: [...WHOLE.slice(0, 3), { type: 'text', text: 'It is in Italy.' }] }, {}] } });
    // Without the tool the upstream takes no result of it.
    expect(translateResponses({ input })).toMatchObject({ ignoredParams: ['input.web_search_call', 'input.reasoning'], body: { messages: [{}, { content: [{ type: 'thinking' }, { type: 'text' }] }, {}] } });
  });

  it('responses: what one search found is never taken for what another one did', async () => {
    const search = (id: string, query: string): ScriptedBlock => ({ start: { type: 'server_tool_use', id, name: 'web_search', input: { query } }, deltas: [] });
    const result = (id: string, url: string): ScriptedBlock => ({ start: { type: 'web_search_tool_result', tool_use_id: id, content: [{ ...PAGE, url }] }, deltas: [] });
    await using door = await startFrontDoor(answerEvents(messageEvents([search('s1', 'rome'), search('s2', 'oslo'), result('s1', 'https://rome.test/'), result('s2', 'https://oslo.test/'), text('Both.')])));
    const answer = await fetch(`${door.baseURL}/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-sonnet-5-5', input: 'Where?', tools: [{ type: 'web_search' }], stream: true }) });
    const response = readResponseEvents(await answer.text()).at(-1)?.['response'] as { output: Record<string, unknown>[] };
    const calls = response.output.filter(({ type }) => type === 'web_search_call').map(({ action }) => action as { query: string; sources?: { url: string }[] });
    expect(calls.map(({ query, sources }) => [query, sources?.map(({ url }) => url)])).toEqual([['rome', undefined], ['oslo', ['https://oslo.test/']]]);
  });

  it('responses: a search that failed is a failed call', async () => {
    const failed = { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: { type: 'web_search_tool_result_error', error_code: 'max_uses_exceeded' } };
    await using door = await startFrontDoor(answerJson(messageJson([WHOLE[1], failed, { type: 'text', text: 'No idea.' }])));
    const answer = await fetch(`${door.baseURL}/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-x', input: 'Where?', tools: [{ type: 'web_search' }] }) });
    expect(await answer.json()).toMatchObject({ output: [{ type: 'web_search_call', status: 'failed' }, { type: 'reasoning' }, { type: 'message' }] });
  });
});

describe('the web search, chat:', () => {
  const ask = { model: 'claude-x', messages: [{ role: 'user', content: 'Where?' }], web_search_options: {} };

  it('chat: declares the search beside the functions', () => {
    const tools = [{ type: 'function', function: { name: 'a' } }];
    expect(translate({ tools, web_search_options: { search_context_size: 'low', user_location: { type: 'approximate', approximate: { city: 'Rome', country: 'IT' } } } })).toMatchObject({
      body: { tools: [{ name: 'a' }, { type: 'web_search_20250305', name: 'web_search', max_uses: 8, user_location: { type: 'approximate', city: 'Rome', country: 'IT' } }] }, ignored: ['web_search_options.search_context_size'],
    });
    expect(refusal({ web_search_options: { filters: { allowed_domains: [7] } } })).toMatchObject({ param: 'web_search_options.filters.allowed_domains[0]' });
  });

  it('chat: cites what was found, streamed as whole', async () => {
    const annotations = ANNOTATIONS.map(({ type, ...place }) => ({ type, url_citation: place }));
    await using whole = await startFrontDoor(answerJson(messageJson(WHOLE)));
    expect(await (await whole.post(ask)).json()).toMatchObject({ choices: [{ message: { content: 'It is in Italy.', annotations } }] });
    await using streamed = await startFrontDoor(answerEvents(messageEvents(SEARCHED)));
    const chunks = (await (await streamed.post({ ...ask, stream: true })).text()).split('\n\n').flatMap((frame) => (frame.startsWith('data: {') ? [JSON.parse(frame.slice(6)) as { choices: { delta: { annotations?: unknown } }[] }] : []));
    expect(chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.annotations ?? []))).toEqual(annotations);
  });

  it('chat: has no annotations without a citation', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([{ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }])));
    const { choices: [choice] } = await (await door.post(ask)).json() as { choices: [{ message: object }] };
    expect('annotations' in choice.message).toBe(false);
  });
});

const RECORDED = loadRecordings('sse').filter(({ name }) => name.includes('web_search'));

describe.skipIf(RECORDED.length === 0)('recorded searches of the real API (skipped where the recordings are absent)', () => {
  it.each(RECORDED.map(({ name, body }) => [name, body] as const))('%s: every annotation is a part of the text, and every search a call', async (_name, body) => {
    await using door = await startFrontDoor(answerEvents(body.toString()));
    const answer = await fetch(`${door.baseURL}/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-x', input: 'x', tools: [{ type: 'web_search' }], stream: true }) });
    const final = readResponseEvents(await answer.text()).at(-1);
    const { output } = (final?.['response'] ?? {}) as { output: { type: string; content?: { text: string; annotations: { start_index: number; end_index: number }[] }[] }[] };
    const parts = output.flatMap(({ content = [] }) => content);
    expect(final?.type).toBe(body.includes('"pause_turn"') ? 'response.incomplete' : 'response.completed');
    expect(output.filter(({ type }) => type === 'web_search_call')).toHaveLength([...body.toString().matchAll(/"type": ?"server_tool_use"/g)].length);
    for (const { text: written, annotations } of parts) for (const { start_index: start, end_index: end } of annotations) expect(written.slice(start, end).length).toBeGreaterThan(0);
    expect(parts.flatMap(({ annotations }) => annotations).length > 0).toBe(body.includes('citations_delta'));
  });
});
