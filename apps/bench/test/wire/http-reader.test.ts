import { array, assert, constantFrom, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { HttpReader } from '../../src/wire/http-reader.ts';

interface Seen { readonly heads: string[]; body: string }

function readerInto(seen: Seen): HttpReader {
  return new HttpReader({ onBody: (piece) => { seen.body += piece.toString('latin1'); }, onMessage: (head) => { seen.heads.push(head); } });
}

const MESSAGES = {
  counted: { wire: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', body: 'hello' },
  empty: { wire: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', body: '' },
  bare: { wire: 'POST / HTTP/1.1\r\nhost: x\r\n\r\n', body: '' },
  chunked: { wire: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na;x=y\r\n0123456789\r\n0\r\n\r\n', body: 'abc0123456789' },
} as const;

test('finds the same messages and bodies wherever the bytes are cut', () => {
  assert(property(array(constantFrom(...(Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])), { minLength: 1, maxLength: 6 }), array(nat(20), { maxLength: 40 }), (names, cuts) => {
    const wire = Buffer.from(names.map((name) => MESSAGES[name].wire).join(''));
    const seen: Seen = { heads: [], body: '' };
    const reader = readerInto(seen);
    let offset = 0;
    for (const cut of cuts) {
      reader.push(wire.subarray(offset, offset + cut));
      offset += cut;
    }
    reader.push(wire.subarray(offset));
    expect(seen.heads.length).toBe(names.length);
    expect(seen.body).toBe(names.map((name) => MESSAGES[name].body).join(''));
  }));
});
