import { describe, expect, it } from 'vitest';
import { BoundedHandler, MAX_ANSWER_BYTES } from '../src/aws/bounded-handler.ts';
import { startTokenServer } from './token-server.ts';

const requestTo = (origin: string): Parameters<BoundedHandler['handle']>[0] => {
  const { hostname, port } = new URL(origin);
  return { protocol: 'http:', hostname, port: Number(port), method: 'GET', path: '/', headers: {} };
};

describe('the handler of AWS\'s library', () => {
  it('sends path, query, fields and body as they were signed', async () => {
    await using server = await startTokenServer(() => 'answer', { 'x-of-the-server': 'yes' });
    const query = { 'account id': 'a/b c', list: ['1', '2'], none: null, marks: '!\'()*' };
    const { response } = await new BoundedHandler(undefined).handle({ ...requestTo(server.origin), method: 'POST', path: '/keys', query, headers: { 'x-one': '1', 'content-length': '4' }, body: 'body' });
    expect(server.requests).toMatchObject([{ method: 'POST', url: '/keys?account%20id=a%2Fb%20c&list=1&list=2&none&marks=%21%27%28%29%2A', headers: { 'x-one': '1' }, body: 'body' }]);
    expect([response.statusCode, response.headers['x-of-the-server'], response.body.toString()]).toEqual([200, 'yes', 'answer']);
  });

  it('gives an answer of the bound whole, whatever its status, and none beyond', async () => {
    let length = MAX_ANSWER_BYTES;
    await using server = await startTokenServer(() => ({ status: 400, body: 'x'.repeat(length) }));
    const handler = new BoundedHandler(undefined);
    const { response } = await handler.handle(requestTo(server.origin));
    expect([response.statusCode, response.body.byteLength]).toEqual([400, MAX_ANSWER_BYTES]);
    length += 1;
    await expect(handler.handle(requestTo(server.origin))).rejects.toMatchObject({ code: 'invalid_value' });
  });
});
