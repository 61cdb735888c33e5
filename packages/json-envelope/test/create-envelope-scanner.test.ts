import { describe, expect, it } from 'vitest';
import { createEnvelopeScanner, EnvelopeError, isEnvelopeError } from '../src/index.ts';
import { eachByte, readEnvelope, scanChunks, scanText } from './scan.ts';

const string = (value: string) => ({ kind: 'string', value });

describe('chosen members', () => {
  it('reads the kinds of values and leaves the others alone', () => {
    const text = '{"a":"x","b":-1.50e+2,"c":true,"d":false,"e":null,"f":{"a":1},"g":[1],"h":"not chosen"}';
    const { members, root, byteLength } = readEnvelope(text, { members: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'absent'] });
    expect(Object.fromEntries(members)).toEqual({
      a: [string('x')],
      b: [{ kind: 'number', value: -150, text: '-1.50e+2' }],
      c: [{ kind: 'boolean', value: true }],
      d: [{ kind: 'boolean', value: false }],
      e: [{ kind: 'null' }],
      f: [{ kind: 'object' }],
      g: [{ kind: 'array' }],
    });
    expect({ root, byteLength }).toEqual({ root: 'object', byteLength: text.length });
  });

  it.each([
    '{"mod\\u0065l":"m"}',
    '{"\\u006d\\u006F\\u0064\\u0065\\u006C":"m"}',
    '{"model":"\\u006d"}',
    ' {\n\t"model"\r :\n "m" } ',
  ])('compares names decoded and reads values decoded: %s', (text) => {
    expect(readEnvelope(text, { members: ['model'] }).members.get('model')).toEqual([string('m')]);
    expect(scanChunks(eachByte(Buffer.from(text)), { members: ['model'] })).toEqual(scanText(text, { members: ['model'] }));
  });

  it.each(['\u00e9', '\u20ac', '\u{1f600}', 'a"b', 'a\\b', 'a/b', 'a\nb\tc\rd\be\ff', '\u0000', '\u{10ffff}'])(
    'knows the name %j in every spelling',
    (name) => {
      const escaped = Array.from({ length: name.length }, (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
      for (const key of [JSON.stringify(name), `"${escaped}"`, `"${escaped.toUpperCase().replaceAll('\\U', '\\u')}"`]) {
        expect(readEnvelope(`{${key}:1}`, { members: [name] }).members.size, key).toBe(1);
        expect(readEnvelope(`{${key.slice(0, -1)}x":1}`, { members: [name] }).members.size, key).toBe(0);
      }
    },
  );

  it('does not take a longer, shorter or nested name for a chosen one', () => {
    const text = '{"mode":1,"models":1,"Model":1,"":1,"x":{"model":1},"y":[{"model":1}],"z":"model"}';
    expect(readEnvelope(text, { members: ['model'] })).toMatchObject({ members: new Map(), duplicates: [] });
  });

  it('reads elements and members of elements of a top-level array, and nothing deeper', () => {
    const text = `{"fallbacks":[{"model":"a","x":{"model":"no"}},"str",[{"model":"no"}],{"y":[{"model":"no"}],"model":"b"}],
      "stop":["s",{"model":"no"},[1],2],"model":"c","deep":{"fallbacks":[{"model":"no"}]}}`;
    const { members } = readEnvelope(text, { members: ['model', 'fallbacks[].model', 'stop[]', 'fallbacks'] });
    expect(Object.fromEntries(members)).toEqual({
      fallbacks: [{ kind: 'array' }],
      'fallbacks[].model': [string('a'), string('b')],
      'stop[]': [string('s'), { kind: 'object' }, { kind: 'array' }, { kind: 'number', value: 2, text: '2' }],
      model: [string('c')],
    });
  });

  it('reads members of a top-level object, and nothing deeper', () => {
    const text = `{"thread":{"type":"a","x":{"type":"no"},"y":[{"type":"no"}],"ty\u0070e2":1,"id":"b"},"type":"no","other":{"type":"no"},
      "list":[{"thread":{"type":"no"}}],"deep":{"thread":{"type":"no"}},"model":{"type":"no"}}`;
    const { members, duplicates } = readEnvelope(text, { members: ['thread', 'thread.type', 'thread.id', 'model'] });
    expect(Object.fromEntries(members)).toEqual({ thread: [{ kind: 'object' }], 'thread.type': [string('a')], 'thread.id': [string('b')], model: [{ kind: 'object' }] });
    expect(duplicates).toEqual([]);
  });

  it('reads a name as a value, an array and an object, whichever it is', () => {
    const options = { members: ['x', 'x[]', 'x[].y', 'x.y'] };
    const read = (text: string): unknown => Object.fromEntries(readEnvelope(text, options).members);
    expect(read('{"x":{"y":1}}')).toEqual({ x: [{ kind: 'object' }], 'x.y': [{ kind: 'number', value: 1, text: '1' }] });
    expect(read('{"x":[{"y":1}]}')).toEqual({ x: [{ kind: 'array' }], 'x[]': [{ kind: 'object' }], 'x[].y': [{ kind: 'number', value: 1, text: '1' }] });
    expect(read('{"x":"y"}')).toEqual({ x: [string('y')] });
    expect(read('{"x":[["y",1]],"z":{"y":2}}')).toEqual({ x: [{ kind: 'array' }], 'x[]': [{ kind: 'array' }] });
  });

  it('reports a member of a chosen object that stands twice in it, with a container between or not, and not one in two objects', () => {
    const options = { members: ['thread.type'] };
    expect(readEnvelope('{"thread":{"type":"a","t\\u0079pe":"b"}}', options).duplicates).toEqual(['thread.type']);
    expect(readEnvelope('{"thread":{"type":{"a":[{}]},"type":"b"}}', options).duplicates).toEqual(['thread.type']);
    expect(readEnvelope('{"thread":{"type":"a"},"thread":{"type":"b"}}', options)).toMatchObject({ duplicates: ['thread'] });
    expect(readEnvelope('{"thread":{"type":"a"},"other":{"type":"b","type":"c"}}', options).duplicates).toEqual([]);
  });

  it('reads no members of a text that is not an object', () => {
    expect(readEnvelope('[{"model":1},"model"]', { members: ['model', 'model[]'] }).members.size).toBe(0);
  });

  it('reports a chosen name that one object has twice, however it is spelled (readers disagree on which counts)', () => {
    const text = '{"model":"a","mod\\u0065l":"b","tools":[{"model":1},{"model":2}],"other":1,"other":2,"tools":[{"model":3,"model":4}]}';
    const { members, duplicates } = readEnvelope(text, { members: ['model', 'tools[].model'] });
    expect(duplicates.toSorted()).toEqual(['model', 'tools', 'tools[].model']);
    expect(members.get('model')).toEqual([string('a'), string('b')]);
    expect(members.get('tools[].model')).toHaveLength(4);
  });

  it('takes the same name in two objects for no duplicate', () => {
    const text = '{"tools":[{"model":1},{"model":2},{"x":{"model":3},"model":4}],"model":5,"x":{"model":6,"model":7}}';
    const { members, duplicates } = readEnvelope(text, { members: ['model', 'tools[].model'] });
    expect(duplicates).toEqual([]);
    expect(members.get('tools[].model')).toHaveLength(3);
  });

  it('keeps at most maxValues values of a path and says that there were more (memory stays bounded)', () => {
    const text = `{"tools":[${Array.from({ length: 200 }, () => '{"model":"m"}').join()}],"model":"last"}`;
    const { members, overflowed } = readEnvelope(text, { members: ['tools[].model', 'model'], maxValues: 64 });
    expect(members.get('tools[].model')).toHaveLength(64);
    expect(members.get('model')).toEqual([string('last')]);
    expect(overflowed).toEqual(['tools[].model']);
  });

  it('reports a value over maxValueBytes as too_long, measured as it is written', () => {
    const options = { members: ['a', 'b', 'c', 'd'], maxValueBytes: 6 };
    const text = '{"a":"123456","b":"1234567","c":123456,"d":"\\u0041\\n"}';
    const { members } = readEnvelope(text, options);
    expect([...members.values()].map(([value]) => value?.kind)).toEqual(['string', 'too_long', 'number', 'too_long']);
    expect(scanChunks(eachByte(Buffer.from(text)), options)).toEqual(scanText(text, options));
  });

  it('reads unpaired surrogate escapes as they are (the grammar allows them, RFC 8259 section 8.2)', () => {
    expect(readEnvelope('{"a":"\\ud800x\\udc00"}', { members: ['a'] }).members.get('a')).toEqual([string('\ud800x\udc00')]);
  });

  it.each([['{}', 'object'], ['[]', 'array'], ['""', 'string'], ['-0', 'number'], ['true', 'boolean'], [' null ', 'null']])(
    'names the root of %s',
    (text, root) => {
      expect(readEnvelope(text).root).toBe(root);
    },
  );
});

describe('limits', () => {
  it('refuses the bracket that opens one container too many', () => {
    expect(scanText('[[]]', { maxDepth: 2 })).toHaveProperty('envelope');
    expect(scanText('[{"a":[]}]', { maxDepth: 2 })).toEqual({ code: 'too_deep', byteOffset: 6 });
    expect(scanText('['.repeat(100_000))).toEqual({ code: 'too_deep', byteOffset: 512 });
  });

  it('keeps apart objects and arrays at any depth it allows', () => {
    const open = Array.from({ length: 4000 }, (_, index) => (index % 3 === 0 ? '[' : '{"a":'));
    const close = open.map((bracket) => (bracket === '[' ? ']' : '}')).toReversed();
    const text = `${open.join('')}1${close.join('')}`;
    expect(scanText(text, { maxDepth: 4000 })).toHaveProperty('envelope');
    close[2000] = close[2000] === ']' ? '}' : ']';
    expect(scanText(`${open.join('')}1${close.join('')}`, { maxDepth: 4000 })).toHaveProperty('code', 'invalid_json');
  });

  it('refuses a text over maxBytes, wherever it is cut, and an earlier mistake comes first', () => {
    const text = Buffer.from('"0123456789"');
    expect(scanText(text, { maxBytes: 12 })).toHaveProperty('envelope');
    for (const chunks of [[text], eachByte(text)]) {
      expect(scanChunks(chunks, { maxBytes: 11 })).toEqual({ code: 'too_large', byteOffset: 11 });
    }
    expect(scanText('[x          ]', { maxBytes: 5 })).toEqual({ code: 'invalid_json', byteOffset: 1 });
  });
});

describe('refusals', () => {
  it.each([
    ['', 0], ['  ', 2], ['[1', 2], ['{"a":1,}', 7], ['[1,]', 3], ['{"a" 1}', 5], ['01', 1], ['1.', 2], ['1.e1', 2], ['-', 1],
    ['1e+', 3], ['"a', 2], ['"\\x"', 2], ['"\\u12g4"', 5], ['"\t"', 1], ['tru', 3], ['trux', 3], ['[1}', 2], ['{]', 1], ['1 2', 2],
    ['+1', 0], ["'a'", 0], ['[1]]', 3], ['nul\u00e9', 3],
  ])('points at the byte that makes %j bad', (text, byteOffset) => {
    expect(scanText(text)).toEqual({ code: 'invalid_json', byteOffset });
    expect(scanChunks(eachByte(Buffer.from(text)))).toEqual({ code: 'invalid_json', byteOffset });
  });

  it('throws the same error again at every later call', () => {
    const scanner = createEnvelopeScanner();
    const first = thrownBy(() => scanner.write(Buffer.from('[x')));
    expect(first).toBeInstanceOf(EnvelopeError);
    expect(isEnvelopeError(first)).toBe(true);
    expect(thrownBy(() => scanner.write(Buffer.from(']')))).toBe(first);
    expect(thrownBy(() => scanner.end())).toBe(first);
    expect(isEnvelopeError(new Error('other'))).toBe(false);
  });

  it('gives the same envelope again at a second end, and takes no more bytes', () => {
    const scanner = createEnvelopeScanner();
    scanner.write(Buffer.from('{}'));
    expect(scanner.end()).toBe(scanner.end());
    expect(() => scanner.write(Buffer.from(' '))).toThrow('write() was called after end()');
  });

  it('refuses a chunk that is not bytes, at once and not as a fault of the text', () => {
    const scanner = createEnvelopeScanner();
    // @ts-expect-error a stream with an encoding gives strings
    expect(() => scanner.write('{}')).toThrow('chunk must be a Uint8Array, received string');
    scanner.write(Buffer.from('{}'));
    expect(scanner.end().root).toBe('object');
  });

  it('never quotes the text in a message (it may be a prompt)', () => {
    const error = thrownBy(() => createEnvelopeScanner().write(Buffer.from('{"secret":verysecret}')));
    expect(String(error)).toMatch(/^EnvelopeError: [A-Za-z ,]+ at byte 10$/u);
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
