/*
 * Bodies that are made to be slow to read, for both directions: each is as large as it may be, and of the one kind of thing that costs most.
 */

/** A little less than the limit of 32 MiB. */
const FULL = 31_000_000;
/** As many values as a body may hold. */
const MANY = 490_000;

/** Just below what is read on a thread of its own. */
const SMALL = 130_000;

const head = (model: string): string => `{"model":"${model}","messages":[{"role":"user","content":"x"}],"y":`;
const list = (model: string, item: string, count: number): string => `${head(model)}[${item.repeat(count)}1]}`;
const talk = (model: string, messages: readonly string[]): string => `{"model":"${model}","messages":[${messages.join(',')}]}`;
const USER = '{"role":"user","content":"x"}';
const CALLS = Array.from({ length: 2 }, (_, index) => `{"role":"assistant","content":null,"tool_calls":[{"id":"c${index}","type":"function","function":{"name":"f","arguments":${JSON.stringify(`{"a":[${'{},'.repeat(100_000)}1]}`)}}}]},{"role":"tool","tool_call_id":"c${index}","content":"x"}`);
const functions = (count: number): string => Array.from({ length: count }, (_, index) => `{"type":"function","function":{"name":"f${index}"}}`).join(',');

/** Requests by name, for one model. */
export const COSTLY_REQUESTS: Readonly<Record<string, (model: string) => string>> = {
  'a small body of numbers that are kept': (model) => list(model, '1e999,', SMALL / 6),
  'a small body of empty objects': (model) => list(model, '{},', SMALL / 3),
  'a small body of names': (model) => `${head(model)}{${Array.from({ length: SMALL / 11 }, (_, index) => `"k${index}":1`).join(',')}}}`,
  'a small body of messages': (model) => talk(model, Array.from({ length: SMALL / USER.length - 6 }, () => USER)),
  'a small body of tools': (model) => `${talk(model, [USER]).slice(0, -1)},"tools":[${functions(SMALL / 55)}]}`,
  'numbers that no comma divides': (model) => `${head(model)}${'1e999 '.repeat(FULL / 6)}}`,
  'zeros that no comma divides': (model) => `${head(model)}${'0'.repeat(FULL)}}`,
  'a string that does not end': (model) => `${head(model)}"${'\\"'.repeat(FULL / 2)}`,
  'an error in the last byte': (model) => `${head(model)}"${'x'.repeat(FULL)}"`,
  'one long text': (model) => talk(model, [`{"role":"user","content":"${'x'.repeat(FULL)}"}`]),
  'one long text of three-byte characters': (model) => talk(model, [`{"role":"user","content":"${'漢'.repeat(FULL / 3)}"}`]),
  'one long text of escaped quotes': (model) => talk(model, [`{"role":"user","content":"${'\\"'.repeat(FULL / 2)}"}`]),
  'one long text of escapes': (model) => talk(model, [`{"role":"user","content":"${'\\u0041'.repeat(FULL / 6)}"}`]),
  'one long number': (model) => `${head(model)}${'1'.repeat(FULL)}}`,
  'one long name': (model) => `{"${'n'.repeat(FULL)}":1,${head(model).slice(1)}1}`,
  'an image': (model) => talk(model, [`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,${'A'.repeat(30_000_000)}"}}]}`]),
  'nesting': (model) => `${head(model)}${'['.repeat(FULL / 2)}${']'.repeat(FULL / 2)}}`,
  'more values than there may be': (model) => list(model, '{},', FULL / 3),
  'nulls': (model) => list(model, 'null,', MANY),
  'empty objects': (model) => list(model, '{},', MANY / 2),
  'texts': (model) => list(model, '"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1234",', MANY),
  'names': (model) => `${head(model)}{${Array.from({ length: MANY }, (_, index) => `"k${index}":1`).join(',')}}}`,
  'numbers that are kept': (model) => list(model, '1e999,', 49_000),
  'more numbers than are kept': (model) => list(model, '0.123456789012345678,', MANY),
  'messages': (model) => talk(model, Array.from({ length: 120_000 }, () => USER)),
  'system messages in the middle': (model) => talk(model, [USER, ...Array.from({ length: 120_000 }, () => '{"role":"system","content":"x"}'), USER]),
  'parts': (model) => talk(model, [`{"role":"user","content":[${'{"type":"text","text":"x"},'.repeat(120_000)}{"type":"text","text":"x"}]}`]),
  'thoughts': (model) => talk(model, [USER, `{"role":"assistant","content":"x","thinking_blocks":[${'{"type":"redacted_thinking","data":"x","index":0},'.repeat(100_000)}{"type":"redacted_thinking","data":"x"}]}`, USER]),
  'arguments': (model) => talk(model, [USER, ...CALLS]),
  'tools that are allowed one by one': (model) => `${talk(model, [USER]).slice(0, -1)},"tools":[${functions(60_000)}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[${functions(60_000)}]}}}`,
};

const message = (content: string): string => `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[${content}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`;

/** Whole answers by name. */
export const COSTLY_ANSWERS: Readonly<Record<string, () => string>> = {
  'one long text': () => message(`{"type":"text","text":"${'x'.repeat(FULL)}"}`),
  'one long text of escaped quotes': () => message(`{"type":"text","text":"${'\\"'.repeat(FULL / 2)}"}`),
  'blocks': () => message(`${'{"type":"text","text":"x"},'.repeat(150_000)}{"type":"text","text":"x"}`),
  'more values than there may be': () => message(`${'{},'.repeat(FULL / 3)}{}`),
  'numbers that no comma divides': () => message('1e999 '.repeat(FULL / 6)),
};
