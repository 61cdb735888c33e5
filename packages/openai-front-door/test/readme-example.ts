import { Readable } from 'node:stream';
import Koa from 'koa';
import { createOpenAiFrontDoor, type SendToBackend } from '../src/index.ts';

// The port: here on fetch; a gateway brings its own client, pool and clocks.
const send: SendToBackend = async ({ method, path, headers, body }, signal) => {
  const fields = Object.fromEntries(Array.from({ length: headers.length / 2 }, (_, index) => [headers[2 * index], headers[2 * index + 1]]));
  const credential = { 'x-api-key': process.env['ANTHROPIC_API_KEY'] ?? '' };
  const response = await fetch(`https://api.anthropic.com${path}`, { method, headers: { ...fields, ...credential }, body, signal, redirect: 'manual' });
  return { status: response.status, rawHeaders: [...response.headers].flat(), body: Readable.from(response.body ?? []) };
};
const frontDoor = createOpenAiFrontDoor({ backends: { anthropic: { kind: 'anthropic', send } }, models: [{ match: 'claude-*', backend: 'anthropic' }] });
new Koa().use(frontDoor.routes()).listen(8000, '127.0.0.1'); // base URL of clients: http://127.0.0.1:8000/v1
