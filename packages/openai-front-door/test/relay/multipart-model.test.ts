import { describe, expect, it } from 'vitest';
import { isMultipart, peekMultipartModel } from '../../src/relay/multipart-model.ts';

const TYPE = 'multipart/form-data; boundary=----WebKitFormBoundaryx';
const part = (disposition: string, value: string): string => `------WebKitFormBoundaryx\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
const END = '------WebKitFormBoundaryx--\r\n';
const FILE = part('name="file"; filename="model"\r\nContent-Type: audio/wav', 'RIFF'.repeat(50));

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let index = 0; index < bytes.length; index += size) yield bytes.subarray(index, index + size);
}

async function peek(text: string, { size = 1_000, max = 4_096, type = TYPE } = {}): Promise<[string | undefined, boolean]> {
  const { model, body } = await peekMultipartModel(pieces(text, size), type, max);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return [model, Buffer.concat(chunks).equals(Buffer.from(text))];
}

describe('the model of a form', () => {
  it.each([
    ['before the file', part('name="model"', 'whisper-1') + FILE + END], ['without quotation marks', part('name=model', 'whisper-1') + FILE + END],
    ['behind a small file', FILE + part('name="model"', 'whisper-1') + END], ['behind other parts, with a type of its own', part('name="language"', 'en') + part('name="model"\r\nContent-Type: text/plain', 'whisper-1') + FILE + END],
  ])('is read %s, in chunks of any size, and every byte is passed on', async (_where, form) => {
    for (const size of [1, 2, 7, 100, 10_000]) expect(await peek(form, { size })).toEqual(['whisper-1', true]);
  });

  it.each([
    ['in no part', part('name="language"', 'en') + FILE + END, {}], ['a file\'s name only', FILE + END, {}], ['another name that ends so', part('name="submodel"', 'x') + END, {}],
    ['behind the bound', part('name="file"; filename="a"', 'x'.repeat(5_000)) + part('name="model"', 'whisper-1') + END, {}], ['without a boundary', part('name="model"', 'x') + END, { type: 'multipart/form-data; a=b' }],
    ['cut off', part('name="model"', 'whisper-1').slice(0, -4), {}],
  ])('is unknown when it is %s, and every byte is passed on', async (_where, form, options) => {
    expect(await peek(form, options)).toEqual([undefined, true]);
  });

  it('is looked for no further than the bound, and the rest of the body is left where it is', async () => {
    let read = 0;
    const endless = (async function* endless() {
      for (;;) {
        read += 100;
        yield Buffer.alloc(100, 'x');
      }
    })();
    const { model, body } = await peekMultipartModel(endless, TYPE, 1_024);
    expect([model, read]).toEqual([undefined, 1_100]);
    const iterator = body[Symbol.asyncIterator]();
    const first = await iterator.next();
    expect([(first.value as Uint8Array).length, (await iterator.next()).value?.length]).toEqual([1_024, 76]);
  });
});

it.each([[TYPE, true], ['Multipart/Form-Data; boundary=x', true], ['multipart/mixed; boundary=x', false], ['application/json', false], [undefined, false]])('%s is a form: %s', (type, expected) => {
  expect(isMultipart(type)).toBe(expected);
});
