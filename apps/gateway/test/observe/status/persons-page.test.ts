// Persons on the live page: beside the policy that is their client, and for peers on this machine alone.
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { startScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider } from '../../access/identity/openid-provider.ts';
import { FORWARDING_FIELDS, isOnThisMachine } from '../../../src/process/operations/page-access.ts';
import type { Status } from '../../../src/observe/status/status.ts';
import { startWatchedGateway } from './start-watched-gateway.ts';

test.each([['/anthropic/v1/messages'], ['/v1/chat/completions']])('the live page names the person of an open request (%s) to peers on this machine, and to no other', async (path) => {
  const key = await createSigningKey('one', 'ES256');
  await using provider = await startOpenIdProvider([key]);
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    await connection.closed();
  });
  await using gateway = await startWatchedGateway(upstream.origin, {
    identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] } }] }, policies: [{ name: 'engineers', match: {} }],
  });
  const leaving = new AbortController();
  const token = await signToken(key, goodClaims(provider.issuer, { sub: 'alice<b>' }));
  const asked = fetch(gateway.origin + path, {
    method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [{ role: 'user', content: 'x' }] }),
  }).catch(() => undefined);
  await expect.poll(async () => (await gateway.readStatus()).open.requests.map(({ client, person }) => [client, person])).toEqual([['engineers', 'idp:alice<b>']]);
  expect(await (await fetch(gateway.watch)).text()).toContain('engineers · idp:alice&lt;b&gt;');
  for (const field of FORWARDING_FIELDS) {
    const behindProxy = { headers: { [field]: '203.0.113.9' } };
    const status = await (await fetch(`${gateway.watch}/status.json`, behindProxy)).json() as Status;
    expect(status.open.requests.map(({ client, person }) => [client, person])).toEqual([['engineers', undefined]]);
    expect(await (await fetch(gateway.watch, behindProxy)).text()).not.toContain('alice');
  }
  leaving.abort();
  await asked;
});

test('a reader with a key of administrators: sees persons from anywhere, on the page, in its events and in the status; one with the token of the listener does not', async () => {
  const [readKey, writeKey, token] = ['a-read-key-of-a-test-0123456789abcdefghijk', 'a-write-key-of-a-test-0123456789abcdefghij', 'the-token-of-the-listener'];
  const key = await createSigningKey('one', 'ES256');
  await using provider = await startOpenIdProvider([key]);
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    await connection.closed();
  });
  let admin = { read_keys: [readKey], write_keys: [writeKey] };
  await using gateway = await startWatchedGateway(upstream.origin, {
    identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] } }] }, policies: [{ name: 'engineers', match: {} }],
  }, { token, admin: () => admin });
  const leaving = new AbortController();
  const asked = fetch(`${gateway.anthropic}/v1/messages`, {
    method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${await signToken(key, goodClaims(provider.issuer, { sub: 'alice' }))}`, 'content-type': 'application/json' },
    body: '{"model":"claude-haiku-4-5","max_tokens":1,"messages":[]}',
  }).catch(() => undefined);
  const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` });
  const password = (text: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(`any:${text}`).toString('base64')}` });
  const read = async (path: string, fields: Readonly<Record<string, string>>): Promise<string> => {
    const response = await fetch(gateway.watch + path, { headers: { 'x-forwarded-for': '203.0.113.9', ...fields } });
    return response.status === 200 ? await response.text() : String(response.status);
  };
  await expect.poll(() => read('/status.json', bearer(token))).toContain('"client":"engineers"');
  for (const fields of [bearer(readKey), password(readKey), bearer(writeKey), { ...bearer(token), 'x-api-key': readKey }]) {
    for (const path of ['/', '/status.json']) expect(await read(path, fields)).toContain('idp:alice');
  }
  for (const fields of [bearer(token), password(token), { ...bearer(token), 'x-api-key': `${readKey}x` }]) {
    for (const path of ['/', '/status.json']) expect(await read(path, fields)).not.toContain('alice');
  }
  for (const fields of [{}, bearer(`${readKey}x`), { 'x-api-key': `${readKey}x` }]) expect(await read('/status.json', fields)).toBe('401');
  const events = await fetch(`${gateway.watch}/status.events`, { headers: { 'x-forwarded-for': '203.0.113.9', ...bearer(readKey) } });
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toContain('idp:alice');
  await reader?.cancel();
  // A reload takes the key away at once.
  admin = { read_keys: [], write_keys: [writeKey] };
  expect(await read('/status.json', bearer(readKey))).toBe('401');
  leaving.abort();
  await asked;
});

test('a reader behind a proxy of this machine: is a remote one by each documented field, and looks local without one', () => {
  const socket = { remoteAddress: '127.0.0.1' } as Socket;
  const page = readFileSync(resolve(import.meta.dirname, '../../../../../docs/live-page.md'), 'utf8');
  const section = page.slice(page.indexOf('### Who sees persons')).split('\n\n')[1] ?? '';
  const documented = Array.from(section.matchAll(/`([A-Z][A-Za-z-]+)`/g), ([, name = '']) => name.toLowerCase());
  expect(documented.toSorted()).toEqual([...FORWARDING_FIELDS].toSorted());
  for (const name of documented) expect(isOnThisMachine({ socket, headers: { [name]: 'proxy' } }), name).toBe(false);
  expect(isOnThisMachine({ socket, headers: {} })).toBe(true);
});
