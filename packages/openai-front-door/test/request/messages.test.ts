import { describe, expect, it } from 'vitest';
import { PERMISSIVE, refusal, translate } from '../support/translate.ts';

const RESULT_A = { role: 'tool', tool_call_id: 'toolu_a', content: 'A' };
const RESULT_B = { role: 'tool', tool_call_id: 'toolu_b', content: 'B' };
const CALL_A = { id: 'toolu_a', type: 'function', function: { name: 'look_up', arguments: '{"q":"a"}' } };
const CALL_B = { id: 'toolu_b', type: 'function', function: { name: 'look_up', arguments: '' } };
const USER = { role: 'user', content: 'Hello' };
const PNG = 'iVBORw0KGgo=';

function messagesOf(messages: readonly unknown[], given = {}): unknown {
  return translate({ messages }, given).body['messages'];
}

describe('system and developer messages', () => {
  it('puts the leading run at the top as blocks of its own, in order (one joined text would change the cached prefix)', () => {
    const { body } = translate({ messages: [{ role: 'system', content: 'one' }, { role: 'developer', content: [{ type: 'text', text: 'two' }] }, USER] });
    expect(body['system']).toEqual([{ type: 'text', text: 'one' }, { type: 'text', text: 'two' }]);
  });

  it('hoists later ones joined with a line feed, and reports it (their place is lost)', () => {
    const messages = [{ role: 'system', content: 'one' }, USER, { role: 'system', content: 'two' }, { role: 'assistant', content: 'Hi' }, { role: 'developer', content: 'three' }, USER];
    const { body, ignored } = translate({ messages });
    expect(body['system']).toEqual([{ type: 'text', text: 'one' }, { type: 'text', text: 'two\nthree' }]);
    expect(body['messages']).toHaveLength(3);
    expect(ignored).toEqual(['messages.system_position']);
  });

  it('keeps later ones in place where the switch is on and the model takes them', () => {
    const messages = [USER, { role: 'system', content: 'two' }, { role: 'assistant', content: 'Hi' }, USER, { role: 'system', content: 'three' }];
    const { body, ignored } = translate({ messages }, { laterSystemMessages: 'inline' });
    expect((body['messages'] as { role: string }[]).map((message) => message.role)).toEqual(['user', 'system', 'assistant', 'user', 'system']);
    expect(ignored).toEqual([]);
  });

  const rolesOf = (messages: readonly object[]): readonly string[] => (translate({ messages }, { laterSystemMessages: 'inline' }).body['messages'] as { role: string }[]).map((message) => message.role);
  const SYSTEM = { role: 'system', content: 's' };
  const ASSISTANT = { role: 'assistant', content: 'Hi' };

  it.each([
    [[USER, SYSTEM, USER], ['user', 'user', 'system']],
    [[USER, ASSISTANT, SYSTEM, USER], ['user', 'assistant', 'user', 'system']],
    [[USER, ASSISTANT, SYSTEM, ASSISTANT, USER], ['user', 'assistant', 'assistant', 'user', 'system']],
  ])('moves one behind the user turn that comes next, where the upstream takes it, and reports it: %j', (messages, roles) => {
    expect(rolesOf(messages)).toEqual(roles);
    expect(translate({ messages }, { laterSystemMessages: 'inline' }).ignored).toEqual(['messages.system_position']);
  });

  it('leaves what was sent as it was when further turns follow (prompt caches and thinking that is bound to its prefix survive)', () => {
    const turns = [USER, ASSISTANT, SYSTEM, USER, ASSISTANT, USER, SYSTEM, SYSTEM, ASSISTANT, USER];
    const sent = [2, 4, 6, 8, 10].map((length) => translate({ messages: turns.slice(0, length) }, { laterSystemMessages: 'inline' }).body);
    const all = sent.at(-1)?.['messages'] as unknown[] | undefined;
    for (const [index, body] of sent.entries()) {
      const messages = body['messages'] as unknown[];
      expect(body['system']).toEqual(index === 0 ? undefined : sent[1]?.['system']);
      expect(all?.slice(0, messages.length)).toEqual(messages);
    }
  });

  it('hoists one behind a last assistant message, where the upstream takes none', () => {
    const { body, ignored } = translate({ messages: [USER, ASSISTANT, SYSTEM] }, { laterSystemMessages: 'inline' });
    expect([body['system'], ignored]).toEqual([[{ type: 'text', text: 's' }], ['messages.system_position']]);
  });

  it('refuses an image in a system message', () => {
    expect(refusal({ messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://x.test/a.png' } }] }, USER] }).param).toBe('messages[0].content[0].type');
  });
});

describe('parts of other protocols, which clients mix in', () => {
  it('input_text, input_image and input_file of the Responses API are text, image and document', () => {
    const { body, ignored } = translate({ messages: [{ role: 'user', content: [
      { type: 'input_text', text: 'a' }, { type: 'input_image', image_url: 'https://x.test/a.png', detail: 'auto' }, { type: 'input_image', image_url: { url: 'https://x.test/b.png' }, detail: 'high' },
      { type: 'input_file', file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' },
    ] }, { role: 'assistant', content: [{ type: 'output_text', text: 'b', annotations: [] }] }, USER] });
    expect((body['messages'] as unknown[]).slice(0, 2)).toEqual([{ role: 'user', content: [
      { type: 'text', text: 'a' }, { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } }, { type: 'image', source: { type: 'url', url: 'https://x.test/b.png' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' }, title: 'a.pdf' },
    ] }, { role: 'assistant', content: [{ type: 'text', text: 'b' }] }]);
    expect(ignored).toEqual([]);
  });

  it('an image as Anthropic writes it is that image', () => {
    const content = [
      { type: 'image', source: { type: 'base64', media_type: 'image/jpg', data: 'AAA\n' }, cache_control: { type: 'ephemeral' } }, { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
    ];
    expect((translate({ messages: [{ role: 'user', content }] }).body['messages'] as unknown[])[0]).toEqual({ role: 'user', content: [
      { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAA=' }, cache_control: { type: 'ephemeral' } }, { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
    ] });
  });

  it.each([
    [{ type: 'base64', media_type: 'image/svg+xml', data: 'AAAA' }, '.media_type'], [{ type: 'base64', media_type: 'image/png', data: 'A' }, '.data'], [{ type: 'base64', data: 'AAAA' }, '.media_type'],
    [{ type: 'url', url: 'http://x.test/a.png' }, '.url'], [{ type: 'file', file_id: 'f' }, '.type'], [undefined, ''],
  ])('an image of source %j is refused', (source, at) => {
    expect(refusal({ messages: [{ role: 'user', content: [{ type: 'image', source }] }] })).toMatchObject({ status: 400, param: `messages[0].content[0].source${at}` });
  });

  it('signed thinking goes back where it stood; what no signature binds is left out and reported', () => {
    const signed = [{ type: 'thinking', thinking: 't', signature: 's' }, { type: 'redacted_thinking', data: 'd' }];
    const content = [...signed, { type: 'thinking', thinking: 'unsigned' }, { type: 'reasoning', summary: [] }, { type: 'text', text: 'a' }];
    const { body, ignored } = translate({ messages: [USER, { role: 'assistant', content, cache_control: { type: 'ephemeral' } }, USER] });
    expect((body['messages'] as unknown[])[1]).toEqual({ role: 'assistant', content: [...signed, { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] });
    expect(ignored).toEqual(['messages.content.thinking', 'messages.content.reasoning']);
  });

  it('thinking alone is no message, stands before a refusal, and is taken once from a client that gives it twice', () => {
    const part = { type: 'thinking', thinking: 't', signature: 's' };
    expect(translate({ messages: [USER, { role: 'assistant', content: [part] }, USER] }).body['messages']).toHaveLength(2);
    expect(translate({ messages: [USER, { role: 'assistant', content: [part], refusal: 'No.' }, USER] }).body['messages']).toMatchObject([{}, { content: [part, { type: 'text', text: 'No.' }] }, {}]);
    const twice = translate({ messages: [USER, { role: 'assistant', content: [part, { type: 'text', text: 'a' }], thinking_blocks: [part] }, USER] });
    expect([(twice.body['messages'] as unknown[])[1], twice.ignored]).toEqual([{ role: 'assistant', content: [part, { type: 'text', text: 'a' }] }, ['messages.content.thinking']]);
  });

  it('thinking in a message of the user is refused', () => {
    expect(refusal({ messages: [{ role: 'user', content: [{ type: 'thinking', thinking: 't', signature: 's' }] }] }).param).toBe('messages[0].content[0].type');
  });
});

describe('user messages', () => {
  it('turns text, image and file parts into blocks in order', () => {
    const content = [
      { type: 'text', text: 'See' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'auto' } },
      { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
    ];
    expect(messagesOf([{ role: 'user', content }])).toEqual([{
      role: 'user',
      content: [
        { type: 'text', text: 'See' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
        { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
        { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' }, title: 'a.pdf' },
      ],
    }]);
  });

  it('leaves out blank texts (the upstream refuses them)', () => {
    expect(messagesOf([{ role: 'user', content: [{ type: 'text', text: ' \n' }, { type: 'text', text: 'x' }] }])).toEqual([{ role: 'user', content: [{ type: 'text', text: 'x' }] }]);
  });

  it('reports a name, which has no counterpart', () => {
    expect(translate({ messages: [{ ...USER, name: 'ann' }] }).ignored).toEqual(['messages.name']);
  });

  it('reports an image detail other than auto', () => {
    const { ignored } = translate({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x.test/a.png', detail: 'low' } }] }] });
    expect(ignored).toEqual(['messages.image_url.detail']);
  });

  it('puts a cache breakpoint beside the content on its last block, whatever the role', () => {
    const cached = { cache_control: { type: 'ephemeral' } };
    const messages = [
      { role: 'system', content: 'one', ...cached }, { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }], ...cached },
      { role: 'assistant', content: 'x', tool_calls: [CALL_A], ...cached }, { role: 'tool', tool_call_id: 'toolu_a', content: 'A', ...cached },
    ];
    const { body, ignored } = translate({ messages });
    expect(body).toMatchObject({ system: [{ text: 'one', ...cached }], messages: [{ content: [{ text: 'a' }, { text: 'b', ...cached }] }, { content: [{ text: 'x' }, { type: 'tool_use', ...cached }] }, { content: [{ type: 'tool_result', ...cached }] }] });
    expect([JSON.stringify(body).match(/cache_control/g)?.length, ignored]).toEqual([4, []]);
  });

  it('reports a cache breakpoint that is lost with the place of its system message', () => {
    const part = { type: 'text', text: 's', cache_control: { type: 'ephemeral' } };
    expect(translate({ messages: [USER, { role: 'system', content: [part] }, USER] }).ignored).toEqual(['messages.system_position', 'messages.cache_control']);
  });

  it('reports what it does not know of a part, and a file name that is no title', () => {
    const content = [
      { type: 'text', text: 'x', annotations: [] }, { type: 'image_url', image_url: { url: 'https://x.test/a.png', size: 1 }, alt: 'a' },
      { type: 'file', file: { file_data: `data:image/png;base64,${PNG}`, filename: 'a.png', kind: 1 } },
    ];
    expect(translate({ messages: [{ role: 'user', content }] }).ignored).toEqual([
      'messages.content.annotations', 'messages.content.alt', 'messages.image_url.size', 'messages.file.kind', 'messages.file.filename',
    ]);
  });

  it('reports members that belong to another role (what is left out is named)', () => {
    const stray = { tool_calls: [CALL_A], tool_call_id: 'x', refusal: 'No.', thinking_blocks: [], function_call: {}, audio: {} };
    expect(translate({ messages: [{ ...USER, ...stray }] }).ignored).toEqual(Object.keys(stray).map((name) => `messages.${name}`));
    expect(translate({ messages: [USER, { role: 'assistant', content: 'x', tool_call_id: 'x' }, USER] }).ignored).toEqual(['messages.tool_call_id']);
  });

  it.each([
    [[{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }], 'messages[0].content[0].type'],
    [[{ type: 'video_url', video_url: { url: 'https://x.test' } }], 'messages[0].content[0].type'],
    [[{ type: 'text' }], 'messages[0].content[0].text'],
    [['text'], 'messages[0].content[0]'],
    [[{ type: 'file', file: { file_id: 'file-1' } }], 'messages[0].content[0].file.file_id'],
    [7, 'messages[0].content'],
    [null, 'messages[0].content'],
    ['   ', 'messages'],
  ])('refuses content %j and names the part', (content, param) => {
    expect(refusal({ messages: [{ role: 'user', content }] })).toMatchObject({ status: 400, param });
  });

  it('passes cache breakpoints on, at most four', () => {
    const part = { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } };
    expect(messagesOf([{ role: 'user', content: [part, { type: 'text', text: 'y', prompt_cache_breakpoint: { mode: 'explicit' } }] }])).toEqual([{
      role: 'user', content: [part, { type: 'text', text: 'y', cache_control: { type: 'ephemeral' } }],
    }]);
    expect(refusal({ messages: [{ role: 'user', content: [part, part, part, part, part] }] }).param).toBe('messages[0].content[4].cache_control');
    expect(refusal({ messages: [{ role: 'user', content: [{ ...part, cache_control: { type: 'forever' } }] }] }).param).toBe('messages[0].content[0].cache_control');
  });
});

describe('assistant and tool messages', () => {
  it('writes text before tool calls and keeps ids and names', () => {
    expect(messagesOf([USER, { role: 'assistant', content: 'Looking', tool_calls: [CALL_A, CALL_B] }, RESULT_A, RESULT_B])).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      { role: 'assistant', content: [
        { type: 'text', text: 'Looking' },
        { type: 'tool_use', id: 'toolu_a', name: 'look_up', input: { q: 'a' } },
        { type: 'tool_use', id: 'toolu_b', name: 'look_up', input: {} },
      ] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_a', content: 'A' }, { type: 'tool_result', tool_use_id: 'toolu_b', content: 'B' }] },
    ]);
  });

  it('gives a history with calls a tool that cannot be called where the request has none', () => {
    const messages = [{ role: 'user', content: 'Hi' }, { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'c1', content: 'fine' }];
    expect(translate({ messages }).body).toMatchObject({ tools: [{ name: 'unavailable' }], tool_choice: { type: 'none' } });
    const { body } = translate({ messages, tools: [{ type: 'function', function: { name: 'look' } }] });
    expect([body['tools'], body['tool_choice']]).toEqual([[expect.objectContaining({ name: 'look' })], undefined]);
  });

  it('merges the results of parallel calls into one user message, before the words that came between or after them', () => {
    const messages = [
      USER, { role: 'assistant', content: null, tool_calls: [CALL_A, CALL_B] },
      { role: 'tool', tool_call_id: 'toolu_a', content: [{ type: 'text', text: 'A' }] }, { role: 'user', content: 'wait' },
      { role: 'tool', tool_call_id: 'toolu_b', content: '' }, { role: 'user', content: 'go on' },
    ];
    expect((messagesOf(messages) as unknown[])[2]).toEqual({ role: 'user', content: [
      { type: 'tool_result', tool_use_id: 'toolu_a', content: 'A' }, { type: 'tool_result', tool_use_id: 'toolu_b' },
      { type: 'text', text: 'wait' }, { type: 'text', text: 'go on' },
    ] });
  });

  const CALLS = { role: 'assistant', tool_calls: [CALL_A, CALL_B] };

  it.each<[string, readonly object[], string]>([
    ['a result without a call', [USER, RESULT_A], 'messages[1].tool_call_id'],
    ['a result of another call', [USER, { role: 'assistant', tool_calls: [CALL_A] }, RESULT_B], 'messages[2].tool_call_id'],
    ['a second result', [USER, CALLS, RESULT_A, RESULT_B, RESULT_B], 'messages[4].tool_call_id'],
    ['a result behind the next answer', [USER, CALLS, RESULT_A, USER, { role: 'assistant', content: 'x' }, RESULT_B], 'messages[1].tool_calls'],
    ['a call without a result', [USER, CALLS, RESULT_A, USER], 'messages[1].tool_calls'],
    ['a call that ends the conversation', [USER, CALLS], 'messages[1].tool_calls'],
  ])('refuses %s, and names it and the way out (the upstream would, without a name)', (_what, messages, param) => {
    expect(refusal({ messages })).toMatchObject({ status: 400, param, message: expect.stringMatching(/leave the (call|result) out/) });
  });

  it('answers together the calls that came in messages of their own, and takes results behind a user message', () => {
    const [, assistant, results] = messagesOf([USER, { role: 'assistant', tool_calls: [CALL_A] }, { role: 'assistant', content: 'And', tool_calls: [CALL_B] }, RESULT_B, USER, RESULT_A]) as { role: string; content: { type: string }[] }[];
    expect(assistant?.content.map(({ type }) => type)).toEqual(['tool_use', 'text', 'tool_use']);
    expect(results?.content.map(({ type }) => type)).toEqual(['tool_result', 'tool_result', 'text']);
  });

  it('gives an id that comes again one of its own, in call and result alike, and the same one as the conversation grows (some providers count anew in every turn)', () => {
    const turn = [{ role: 'assistant', tool_calls: [CALL_A] }, RESULT_A];
    const messages = [USER, ...turn, ...turn, { role: 'assistant', tool_calls: [CALL_A, CALL_A] }, RESULT_A, { ...RESULT_A, content: 'second' }, USER];
    const { body, ignored } = translate({ messages });
    const blocks = (body['messages'] as { content: Record<string, string>[] }[]).flatMap(({ content }) => content);
    const ids = blocks.flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []));
    expect(new Set(ids).size).toBe(4);
    expect(ids[0]).toBe('toolu_a');
    expect(blocks.flatMap(({ type, tool_use_id: id }) => (type === 'tool_result' ? [id] : []))).toEqual(ids);
    expect(ignored).toEqual(['messages.tool_call_id']);
    expect(JSON.stringify(body['messages'])).toContain(JSON.stringify(messagesOf(messages.slice(0, 5))).slice(0, -1));
  });

  it('puts a user turn in front of an assistant that begins, and reports it (chats begin with a greeting)', () => {
    const { body, ignored } = translate({ messages: [{ role: 'system', content: 's' }, { role: 'assistant', content: 'Welcome!' }, USER] });
    expect(body['messages']).toMatchObject([{ role: 'user', content: [{ type: 'text' }] }, { role: 'assistant' }, { role: 'user' }]);
    expect(ignored).toEqual(['messages.first_role']);
  });

  it.each([
    [undefined, 'messages[1].tool_calls[0].function.arguments'],
    [{ a: 1 }, 'messages[1].tool_calls[0].function.arguments'],
  ])('refuses arguments %j, which are no text, and names the call', (value, param) => {
    const call = { ...CALL_A, function: { name: 'look_up', arguments: value } };
    expect(refusal({ messages: [USER, { role: 'assistant', tool_calls: [call] }] })).toMatchObject({ status: 400, param });
  });

  it.each(['{"path":"a.md","text":"Dear al', '[]', '"a"', 'null', '12345678901234567890', 'no JSON at all'])('wraps arguments %j in an object and reports it (an answer cut at its output bound comes back with every turn)', (value) => {
    const given = [USER, { role: 'assistant', tool_calls: [{ ...CALL_A, function: { name: 'look_up', arguments: value } }] }, { role: 'tool', tool_call_id: CALL_A.id, content: 'x' }];
    const { body, ignored } = translate({ messages: given });
    expect((body['messages'] as unknown[])[1]).toEqual({ role: 'assistant', content: [{ type: 'tool_use', id: CALL_A.id, name: 'look_up', input: { INVALID_JSON: value } }] });
    expect(ignored).toEqual(['messages.tool_calls.function.arguments']);
  });

  it('wraps the arguments of a legacy call that was cut, and reports it', () => {
    const { body, ignored } = translate({ messages: [USER, { role: 'assistant', function_call: { name: 'a', arguments: '{"x' } }, { role: 'function', name: 'a', content: 'y' }] });
    expect(body['messages']).toMatchObject([{}, { content: [{ input: { INVALID_JSON: '{"x' } }] }, {}]);
    expect(ignored).toContain('messages.function_call.arguments');
  });

  it('refuses arguments that are nested too deeply (a stack is not endless)', () => {
    const call = { ...CALL_A, function: { name: 'a', arguments: `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}` } };
    expect(refusal({ messages: [USER, { role: 'assistant', tool_calls: [call] }] })).toMatchObject({ status: 400, param: 'messages[1].tool_calls[0].function.arguments' });
  });

  describe('ids of tool calls', () => {
    const conversation = (...ids: readonly string[]): unknown[] => [USER,
      { role: 'assistant', content: null, tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'a', arguments: '{}' } })) },
      ...ids.map((id) => ({ role: 'tool', tool_call_id: id, content: 'x' }))];
    const idsOf = (...ids: readonly string[]): readonly (readonly unknown[])[] => {
      const { body } = translate({ messages: conversation(...ids) });
      const [, calls, results] = body['messages'] as { readonly content: readonly Record<string, unknown>[] }[];
      return [calls?.content.map((block) => block['id']) ?? [], results?.content.map((block) => block['tool_use_id']) ?? []];
    };

    it('ids of tool calls: valid ids stay unchanged', () => {
      expect(idsOf('toolu_01A', 'call-b', 'C3')).toEqual([['toolu_01A', 'call-b', 'C3'], ['toolu_01A', 'call-b', 'C3']]);
      expect(translate({ messages: conversation('toolu_01A') }).ignored).toEqual([]);
    });

    it('ids of tool calls: ids of other providers become the same valid id in call and result, each its own, and are reported (a conversation goes on with another model)', () => {
      const foreign = ['functions.f:0', 'functions.f:1', 'call_a|fc_1', 'call.a', 'call:a', 'Anruf ü', '\ud800', '\ud801', 'functions.f:0\n'];
      const [calls, results] = idsOf(...foreign, 'call_a');
      expect(results).toEqual(calls);
      expect(new Set(calls).size).toBe(foreign.length + 1);
      for (const id of calls ?? []) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/);
      expect(calls?.at(-1)).toBe('call_a');
      expect(translate({ messages: conversation('functions.f:0') }).ignored).toEqual(['messages.tool_call_id']);
    });

    it('become the same in every request (prompt caches hit)', () => {
      expect(idsOf('functions.f:0')).toEqual(idsOf('functions.f:0', 'call_b').map(([first]) => [first]));
    });
  });

  it.each([['Title: ', 'Title:'], ['a\n\n', 'a'], ['a\u00a0\u2028', 'a'], [[{ type: 'text', text: 'b' }, { type: 'text', text: 'Title:\t' }], 'Title:']])('trims the end of a last assistant message %j and reports it (the upstream refuses it)', (content, expected) => {
    const { body, ignored } = translate({ messages: [USER, { role: 'assistant', content }] });
    const last = (body['messages'] as { readonly content: readonly { readonly text: string }[] }[]).at(-1);
    expect(last?.content.at(-1)?.text).toBe(expected);
    expect(ignored).toEqual(['messages.trailing_whitespace']);
  });

  it('leaves white space at the end of any other assistant message', () => {
    const { body, ignored } = translate({ messages: [USER, { role: 'assistant', content: 'Title: ' }, USER] });
    expect(body['messages']).toMatchObject([{}, { content: [{ text: 'Title: ' }] }, {}]);
    expect(ignored).toEqual([]);
  });

  it('refuses arguments that hold too many values, all calls together (they are texts, which count once in the request)', () => {
    const args = JSON.stringify({ a: Array.from({ length: 60 }, () => 0) });
    const messages = [USER, { role: 'assistant', tool_calls: [1, 2, 3].map((id) => ({ id: `call_${id}`, type: 'function', function: { name: 'a', arguments: args } })) }, ...[1, 2, 3].map((id) => ({ role: 'tool', tool_call_id: `call_${id}`, content: 'x' }))];
    expect(refusal({ messages }, { maxRequestValues: 150 })).toMatchObject({ status: 400, param: 'messages[1].tool_calls[2].function.arguments' });
    expect(messagesOf(messages, { maxRequestValues: 200 })).toHaveLength(3);
  });

  it.each([
    [{ ...CALL_A, id: '' }, 'messages[1].tool_calls[0].id'],
    [{ ...CALL_A, id: undefined }, 'messages[1].tool_calls[0].id'],
    [{ ...CALL_A, type: 'custom' }, 'messages[1].tool_calls[0].type'],
    [{ ...CALL_A, function: { name: 'a b', arguments: '' } }, 'messages[1].tool_calls[0].function.name'],
    [{ ...CALL_A, function: undefined }, 'messages[1].tool_calls[0].function'],
  ])('refuses call %j', (call, param) => {
    expect(refusal({ messages: [USER, { role: 'assistant', tool_calls: [call] }] })).toMatchObject({ status: 400, param });
  });

  it('writes a refusal of the assistant as its text', () => {
    expect(messagesOf([USER, { role: 'assistant', content: null, refusal: 'No.' }, USER])).toMatchObject([{}, { content: [{ type: 'text', text: 'No.' }] }, {}]);
    expect(messagesOf([USER, { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }, USER])).toMatchObject([{}, { content: [{ type: 'text', text: 'No.' }] }, {}]);
  });

  it('reports a refusal beside a content, and what clients add to the calls they give back', () => {
    const call = { ...CALL_A, index: 0, function: { ...CALL_A.function, parsed_arguments: { q: 'a' } } };
    expect(translate({ messages: [USER, { role: 'assistant', content: 'Half', refusal: 'No.', tool_calls: [call] }, RESULT_A, USER] }).ignored).toEqual([
      'messages.refusal', 'messages.tool_calls.index', 'messages.tool_calls.function.parsed_arguments',
    ]);
  });

  it('leaves out an assistant message that says nothing', () => {
    expect(messagesOf([USER, { role: 'assistant', content: '' }, USER])).toHaveLength(2);
  });

  it('reports members it does not know, such as thinking that a client gives back unsigned', () => {
    expect(translate({ messages: [USER, { role: 'assistant', content: 'x', reasoning_content: 'hm', annotations: null }, USER] }).ignored).toEqual(['messages.reasoning_content']);
  });

  it('refuses a reference to earlier audio', () => {
    expect(refusal({ messages: [USER, { role: 'assistant', audio: { id: 'a' } }] }).param).toBe('messages[1].audio');
  });

  it('puts signed thinking back where the answer had it', () => {
    const blocks = [{ index: 0, type: 'thinking', thinking: 'hm', signature: 's1' }, { index: 2, type: 'redacted_thinking', data: 'x' }];
    expect(messagesOf([USER, { role: 'assistant', content: 'Looking', tool_calls: [CALL_A], thinking_blocks: blocks }, RESULT_A, USER])).toMatchObject([{}, { content: [
      { type: 'thinking', thinking: 'hm', signature: 's1' }, { type: 'text' }, { type: 'redacted_thinking', data: 'x' }, { type: 'tool_use' },
    ] }, {}]);
  });

  it('leaves out and reports thinking that no signature binds', () => {
    const blocks = [{ type: 'thinking', thinking: 'a', signature: '' }, { type: 'redacted_thinking', data: '' }];
    const { body, ignored } = translate({ messages: [USER, { role: 'assistant', content: 'x', thinking_blocks: blocks }, USER] });
    expect([(body['messages'] as { content: unknown }[])[1]?.content, ignored]).toEqual([[{ type: 'text', text: 'x' }], ['messages.thinking_blocks']]);
  });

  it('hands images and files of a tool on in its result', () => {
    const content = [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }, { type: 'file', file: { file_data: 'data:text/csv;base64,YSxi', filename: 'a.csv' } }];
    expect((messagesOf([USER, { role: 'assistant', tool_calls: [CALL_A] }, { ...RESULT_A, content }]) as unknown[])[2]).toMatchObject({ content: [{ type: 'tool_result', content: [{ type: 'text' }, { type: 'image' }, { type: 'document', title: 'a.csv' }] }] });
  });

  it('puts thinking without a place first, in order', () => {
    const blocks = [{ type: 'thinking', thinking: 'a', signature: 's1' }, { type: 'thinking', thinking: 'b', signature: 's2' }];
    expect(messagesOf([USER, { role: 'assistant', content: 'x', thinking_blocks: blocks }, USER])).toMatchObject([{}, { content: [{ thinking: 'a' }, { thinking: 'b' }, { type: 'text' }] }, {}]);
  });

  it.each([
    [[{ type: 'thinking', thinking: 'a' }], 'messages[1].thinking_blocks[0].signature'],
    [[{ type: 'text' }], 'messages[1].thinking_blocks[0].type'],
    [[{ type: 'redacted_thinking' }], 'messages[1].thinking_blocks[0].data'],
    [[{ type: 'thinking', thinking: 'a', signature: 's', index: -1 }], 'messages[1].thinking_blocks[0].index'],
    ['x', 'messages[1].thinking_blocks'],
  ])('refuses thinking %j', (blocks, param) => {
    expect(refusal({ messages: [USER, { role: 'assistant', content: 'x', thinking_blocks: blocks }, USER] })).toMatchObject({ status: 400, param });
  });

  it('pairs legacy function_call and function messages by their place', () => {
    const messages = [USER, { role: 'assistant', content: null, function_call: { name: 'look_up', arguments: '{}' } }, { role: 'function', name: 'look_up', content: 'A' }];
    expect(messagesOf(messages)).toMatchObject([{}, { content: [{ type: 'tool_use', id: 'call_message_1' }] }, { content: [{ type: 'tool_result', tool_use_id: 'call_message_1', content: 'A' }] }]);
    expect(refusal({ messages: [USER, { role: 'function', name: 'x', content: 'A' }] }).param).toBe('messages[1].role');
    // A system message in front of the result moves behind it.
    const [user, call, result] = messages;
    const { body, ignored } = translate({ messages: [user, call, USER, { role: 'system', content: 's' }, result] }, { laterSystemMessages: 'inline' });
    expect([(body['messages'] as unknown[]).at(-1), ignored]).toEqual([{ role: 'system', content: [{ type: 'text', text: 's' }] }, ['messages.system_position']]);
  });
});

describe('the conversation', () => {
  it.each([
    [undefined, 'messages'], [[], 'messages'], ['Hello', 'messages'], [[7], 'messages[0]'], [[{ content: 'x' }], 'messages[0].role'],
    [[{ role: 'robot', content: 'x' }], 'messages[0].role'], [[{ role: 'system', content: 'x' }], 'messages'], [[USER, { role: 'tool', content: 'x' }], 'messages[1].tool_call_id'],
  ])('refuses messages %j', (messages, param) => {
    expect(refusal({ messages })).toMatchObject({ status: 400, param });
  });

  it('refuses a last assistant message for models that do not continue one, and passes it to others', () => {
    const messages = [USER, { role: 'assistant', content: 'Once' }];
    expect(messagesOf(messages)).toHaveLength(2);
    expect(refusal({ messages }, { capabilities: { ...PERMISSIVE, rejectsPrefill: true } })).toMatchObject({ status: 400, param: 'messages' });
  });
});
