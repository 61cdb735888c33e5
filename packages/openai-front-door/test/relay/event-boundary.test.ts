import { expect, it } from 'vitest';
import { createEventBoundary } from '../../src/relay/event-boundary.ts';

/** Where an event may begin: at the start and behind a blank line, by the grammar of WHATWG HTML section 9.2.5 over the whole text. */
function isBoundary(text: string): boolean {
  return text === '' || /(?:^|\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)$/.test(text);
}

it.each([
  'data: a\n\ndata: b\n\n', 'data: a\r\n\r\ndata: b\r\n\r\n', 'data: a\r\rdata: b\r\r', 'data: a\n\rdata: b\r\n\n: c\n\r\n', '\n\n\r\r\n', 'x\r\n', 'x\r\n\r', 'x\n\n\n',
])('the end of an event is known in %j however it is cut', (text) => {
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    const boundary = createEventBoundary();
    expect(boundary.atBoundary()).toBe(true);
    for (let start = 0; start < bytes.length; start += size) {
      boundary.see(bytes.subarray(start, start + size));
      boundary.see(new Uint8Array(0));
      expect(boundary.atBoundary(), `${size} ${start}`).toBe(isBoundary(text.slice(0, start + size)));
    }
  }
});

it('looks at four bytes of a chunk, whatever its size', () => {
  let looks = 0;
  const chunk = new Proxy(Buffer.alloc(1_000_000, 'x'), { get: (target, name) => {
    if (typeof name === 'string' && /^\d+$/.test(name)) looks += 1;
    return Reflect.get(target, name, target) as unknown;
  } });
  createEventBoundary().see(chunk);
  expect(looks).toBe(4);
});
