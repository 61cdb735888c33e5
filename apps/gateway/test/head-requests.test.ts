import { fieldValues, openRawConnection, statusOf, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { client, keyOf, openAiBackend, startOrigin, startRelayGateway, type Origin } from './front-door/relay-world.ts';
import { startTestOperations } from './release/start-test-operations.ts';
import { startTestGateway, type TestGateway } from './start-test-gateway.ts';

let origin: Origin;
let translating: TestGateway;
let relaying: TestGateway;
let guarded: TestGateway;
let closed: TestGateway;

beforeAll(async () => {
  origin = await startOrigin();
  translating = await startTestGateway(origin.baseUrl);
  relaying = await startRelayGateway({ backends: [openAiBackend(origin)] });
  guarded = await startRelayGateway({ backends: [openAiBackend(origin)] }, [client('one'), client('two')]);
  closed = await startRelayGateway({ enabled: false });
});
afterAll(async () => {
  for (const gateway of [translating, relaying, guarded, closed]) await gateway.close();
  await origin[Symbol.asyncDispose]();
});

/** The fields that a HEAD answer shares with the answer to the same request by GET (RFC 9110 section 9.3.2), but for ids and times. */
const describeAnswer = (message: WireMessage): readonly unknown[] => [
  statusOf(message), ...['content-type', 'allow', 'x-penstock-error', 'connection'].map((name) => fieldValues(message.rawHeaders, name)),
];

async function askTwice(port: number, target: string, key?: string): Promise<readonly WireMessage[]> {
  const connection = await openRawConnection(port);
  const answers: WireMessage[] = [];
  for (const method of ['HEAD', 'HEAD', 'GET']) {
    connection.send(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${key === undefined ? '' : `Authorization: Bearer ${key}\r\n`}\r\n`);
    answers.push(await connection.readMessage({ kind: 'response', toHead: method === 'HEAD' }));
  }
  connection.close();
  return answers;
}

const PATHS = ['/v1', '/v1/models', '/v1/models/', '/v1/models/claude-x', '/v1/chat/completions', '/v1/embeddings', '/v1/files', '/v1/files/f', '/v1/unknown', '/v1/v1/models', '/V1/models',
  '/anthropic/v1/messages', '/anthropic/v1/unknown', '/anthropic/health', '/', '/unknown', '/messages'];

describe.each(['translating', 'relaying', 'guarded', 'closed'] as const)('HEAD at a %s gateway', (kind) => {
  const gateway = (): TestGateway => ({ translating, relaying, guarded, closed })[kind];

  test.each(PATHS)('%s has an answer without a body, and the connection is kept', async (path) => {
    const [first, second] = await askTwice(gateway().port, path);
    expect(first?.body.length).toBe(0);
    expect(describeAnswer(second as WireMessage)).toEqual(describeAnswer(first as WireMessage));
    expect(statusOf(first as WireMessage)).toBeLessThan(500);
    expect(fieldValues(first?.rawHeaders ?? [], 'connection').join().toLowerCase()).not.toContain('close');
  });

  test('is never the gateway\'s own defect', async () => {
    await askTwice(gateway().port, '/v1/models', keyOf('one'));
    expect(await gateway().sum('penstock_request_outcomes_total{side="front_door",outcome="internal"}')).toBe(0);
    expect(gateway().logged.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  });
});

test.each(['/v1/models', '/v1/models/claude-x', '/v1/models/', '/v1/chat/completions', '/v1/embeddings'])('HEAD %s is a 405 that names what is allowed, or a 404, and counts as the client\'s error', async (path) => {
  const before = await translating.sum('penstock_request_outcomes_total{side="front_door",outcome="client_error"}');
  const [head, , get] = await askTwice(translating.port, path);
  expect([404, 405]).toContain(statusOf(head as WireMessage));
  expect(fieldValues(head?.rawHeaders ?? [], 'allow').length).toBe(statusOf(head as WireMessage) === 405 ? 1 : 0);
  expect(Number(fieldValues(head?.rawHeaders ?? [], 'content-length')[0])).toBeGreaterThan(0);
  if (statusOf(get as WireMessage) === statusOf(head as WireMessage)) expect(describeAnswer(head as WireMessage)).toEqual(describeAnswer(get as WireMessage));
  expect(await translating.sum('penstock_request_outcomes_total{side="front_door",outcome="client_error"}')).toBeGreaterThanOrEqual(before + 2);
});

test.each(['/livez', '/readyz', '/metrics', '/unknown'])('HEAD %s at the operations listener has an answer without a body, and the connection is kept', async (path) => {
  const operations = await startTestOperations();
  const [first] = await askTwice(operations.port, path);
  expect([first?.body.length, statusOf(first as WireMessage)]).toEqual([0, path === '/unknown' ? 404 : expect.any(Number)]);
  await operations.close();
});
