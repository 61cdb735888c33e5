import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMultipart } from '../src/http/multipart.ts';

describe('readMultipart', () => {
  it('reads back what FormData writes, names, paths and bytes', async () => {
    const parts = fc.array(fc.tuple(fc.stringMatching(/^[a-z[\]"]{1,8}$/), fc.stringMatching(/^[\w/ é"水]{1,20}$/), fc.uint8Array({ maxLength: 500 })), { minLength: 1, maxLength: 5 });
    await fc.assert(fc.asyncProperty(parts, async (list) => {
      const form = new FormData();
      for (const [name, filename, bytes] of list) form.append(name, new File([new Uint8Array(bytes)], filename, { type: 'text/x-y' }));
      const request = new Request('http://localhost/', { method: 'POST', body: form });
      const read = readMultipart(new Uint8Array(await request.arrayBuffer()), request.headers.get('content-type') ?? '');
      expect(read?.map((part) => [part.name, part.filename, part.contentType, Buffer.from(part.bytes).toString('hex')]))
        .toEqual(list.map(([name, filename, bytes]) => [name, filename, 'text/x-y', Buffer.from(bytes).toString('hex')]));
    }), { numRuns: 60 });
  });

  it('refuses anything cut short', () => {
    const body = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nbytes\r\n--b--\r\n');
    expect(readMultipart(body, 'multipart/form-data; boundary="b"')).toHaveLength(1);
    for (let length = 0; length < body.length - 4; length += 1) expect(readMultipart(body.subarray(0, length), 'multipart/form-data; boundary=b')).toBeUndefined();
  });
});
