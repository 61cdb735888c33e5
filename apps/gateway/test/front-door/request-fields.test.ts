// A field of a client's head goes upstream from /v1 if two lists name it: that of the front door, and the header rules of the backend.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anthropicHeaderRules, openaiHeaderRules } from '@penstock/header-policy';
import { expect, test } from 'vitest';
import { ask, openAiBackend, startOrigin, startRelayGateway } from './relay-world.ts';

const FRONT_DOOR = join(import.meta.dirname, '../../../../packages/openai-front-door/src');
const BODY = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
const VALUES: Readonly<Record<string, string>> = {
  'accept': 'application/json', 'content-type': 'application/json', 'content-encoding': 'identity', 'traceparent': `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'via': '1.1 other',
};

/** The names in a list of the front door, as its source has them. */
function namesIn(file: string, list: string): string[] {
  const [, names = ''] = new RegExp(`${list}\\b[^=]*= [^\\[]*\\[([^\\]]*)\\]`).exec(readFileSync(join(FRONT_DOOR, file), 'utf8')) ?? [];
  return Array.from(names.matchAll(/'([^']+)'/g), ([, name = '']) => name);
}

/** Which of the fields reach the upstream of a gateway with one backend. */
async function arrivalsOf(names: readonly string[], backendOf: (baseUrl: string) => Record<string, unknown>): Promise<string[]> {
  await using origin = await startOrigin();
  await using gateway = await startRelayGateway({ backends: [backendOf(origin.baseUrl)], models: [{ model: '*' }] });
  await ask(gateway, 'POST', '/v1/chat/completions', { body: BODY, headers: Object.fromEntries(names.map((name) => [name, VALUES[name] ?? 'x'])) });
  return names.filter((name) => origin.seen[0]?.headers[name] !== undefined);
}

test('relayed requests: a field crosses if the front door and the rules for OpenAI name it, and each names what the other does', async () => {
  const relayed = namesIn('relay/relay-headers.ts', 'REQUEST_FIELDS');
  expect(relayed.length).toBeGreaterThan(5);
  expect(await arrivalsOf(relayed, (baseUrl) => openAiBackend({ baseUrl }))).toEqual(relayed);
  // Fields that the rules allow and the front door does not relay: it asks for plain bytes, and does not name the hops and caches before it.
  const notRelayed = ['accept-encoding', 'accept-language', 'baggage', 'cache-control', 'content-language', 'pragma', 'priority', 'via'];
  const allowed = openaiHeaderRules.allowRequest.filter((name) => !name.endsWith('*'));
  expect(allowed.filter((name) => !relayed.includes(name)).toSorted()).toEqual(notRelayed);
});

test('translated requests: every field that the front door carries is allowed by the rules for Anthropic', async () => {
  const carried = namesIn('routes/anthropic-request.ts', 'CARRIED_FIELDS');
  expect(carried.length).toBeGreaterThan(1);
  expect(await arrivalsOf(carried, (baseUrl) => ({ name: 'claude', kind: 'anthropic', base_url: baseUrl.replace('/v1', ''), api_key: 'k' }))).toEqual(carried);
  expect(carried.filter((name) => !anthropicHeaderRules.allowRequest.includes(name))).toEqual([]);
});
