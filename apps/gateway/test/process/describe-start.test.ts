import { expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { describeStart } from '../../src/commands/describe-start.ts';

const CLIENTS = [{ name: 'alice', key_sha256: 'a'.repeat(64) }];

test.each([
  ['anonymous', {}, []],
  ['with clients', { clients: CLIENTS }, ["-H 'x-api-key: YOUR_CLIENT_KEY'"]],
  ['forward', { anthropic_native: { credentials: 'forward' } }, ['-H "x-api-key: $YOUR_ANTHROPIC_KEY"']],
  ['forward with clients (x-api-key is the client\'s own then)', { clients: CLIENTS, anthropic_native: { credentials: 'forward' } }, ["-H 'x-penstock-key: YOUR_CLIENT_KEY'", '-H "x-api-key: $YOUR_ANTHROPIC_KEY"']],
])('the line to try has the credentials that are asked for: %s', (_case, document, credentials) => {
  const words = describeStart({ port: 8000, operationsPort: 9464, workers: 1, config: gatewayConfigSchema.parse(document), simulates: false, hasKey: true, warnings: [] });
  expect(words.match(/-H (?:'x-|"x-)[^'"]*['"]/g) ?? []).toEqual(credentials);
});

test.each([[false, 'Set ANTHROPIC_API_KEY to use the real API.'], [true, 'Start without --simulate to use the real API.']])('the simulator is announced with the way to the real API (a key is configured: %s)', (hasKey, way) => {
  const words = describeStart({ port: 8000, operationsPort: 9464, workers: 1, config: gatewayConfigSchema.parse({}), simulates: true, hasKey, warnings: [] });
  expect(words).toContain(`THE BUILT-IN SIMULATOR: answers are made up and cost nothing. ${way}`);
});

test.each([
  ['an upstream that serves the usual one', [{}], 'claude-haiku-4-5'],
  ['an upstream with another name for it', [{ model_map: { 'claude-x': 'x', 'claude-haiku-4-5': 'haiku' } }], 'claude-haiku-4-5'],
  ['an upstream with other names for other models, of which one stands safely in a command line', [{ model_map: { "x';true'": 'y', 'claude-x': 'x' } }], 'claude-x'],
])('the line to try has a model that is served by %s', (_what, upstreams, expected) => {
  const config = gatewayConfigSchema.parse({ anthropic_native: { upstreams: upstreams.map((upstream) => ({ name: 'a', credential: { api_key: 'k' }, ...upstream })) } });
  expect(describeStart({ port: 8000, operationsPort: 9464, workers: 1, config, simulates: false, hasKey: true, warnings: [] })).toContain(`{"model":"${expected}",`);
});
