import { startSimulator } from '@penstock/anthropic-simulator';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { startTestGateway, type ConfigDocument } from '../start-test-gateway.ts';

const CLIENTS = [{ name: 'alice', key_sha256: hashClientKey('the-key-of-alice') }];
/** What a proxy on this machine says of a client elsewhere. */
const FROM_ELSEWHERE = { 'x-forwarded-for': '203.0.113.9' };

async function showsPool(document: ConfigDocument, headers: Record<string, string>): Promise<boolean> {
  await using simulator = await startSimulator();
  await using gateway = await startTestGateway(simulator.origin, document);
  const response = await fetch(`${gateway.anthropic}/health`, { headers });
  const { upstream } = await response.json() as { upstream: Record<string, unknown> };
  return 'max_connections' in upstream;
}

test.each([
  ['a client on this machine', {}, {}, true],
  ['a client elsewhere, behind a trusted proxy on this machine', { server: { trusted_proxies: ['127.0.0.1'] } }, FROM_ELSEWHERE, false],
  ['a client on this machine, through that proxy', { server: { trusted_proxies: ['127.0.0.1'] } }, { 'x-forwarded-for': '127.0.0.1' }, true],
  ['a client elsewhere with a key', { server: { trusted_proxies: ['127.0.0.1'] }, clients: CLIENTS }, { ...FROM_ELSEWHERE, 'x-api-key': 'the-key-of-alice' }, true],
  ['a client elsewhere with a wrong key', { server: { trusted_proxies: ['127.0.0.1'] }, clients: CLIENTS }, { ...FROM_ELSEWHERE, 'x-api-key': 'wrong' }, false],
  ['a client elsewhere with the gateway\'s key alone, under forward',
    { server: { trusted_proxies: ['127.0.0.1'] }, clients: CLIENTS, anthropic_native: { credentials: 'forward' } }, { ...FROM_ELSEWHERE, 'x-penstock-key': 'the-key-of-alice' }, true],
  ['a client elsewhere with nothing but its own credential, under forward',
    { server: { trusted_proxies: ['127.0.0.1'] }, clients: CLIENTS, anthropic_native: { credentials: 'forward' } }, { ...FROM_ELSEWHERE, 'x-api-key': 'sk-ant-own' }, false],
  ['a client elsewhere with no credential, where there are no clients',
    { server: { trusted_proxies: ['127.0.0.1'] }, anthropic_native: { credentials: 'forward' } }, FROM_ELSEWHERE, false],
])('health shows the pool to %s: %j', async (_who, document, headers, expected) => {
  expect(await showsPool(document, headers)).toBe(expected);
});
