import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { createAuthority } from '@penstock/test-support';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { errorBody, errorHeaders, GatewayError, type GatewayErrorCode } from '../../../src/request/gateway-error.ts';
import type { GatewayOptions } from '../../../src/gateway-options.ts';
import type { ConfigDocument, TestGateway } from '../../start-test-gateway.ts';
import { apiError, held, heldStream, message, messageEvents, resetBeforeHead, text } from '../clients/api-answers.ts';
import type { ApiAnswer, ScriptedApi } from '../clients/scripted-api.ts';

/** How the gateway is brought to one of its own errors, and what the client is run with. */
export interface OwnError {
  /** What sets this case apart from others of its code. */
  readonly when: string;
  readonly gateway?: ConfigDocument;
  readonly overrides?: Partial<GatewayOptions>;
  /** What the upstream answers to every message. @defaultValue a text */
  readonly answer?: ApiAnswer;
  /** Another upstream than the scripted one; its origin. */
  readonly upstream?: (stack: AsyncDisposableStack) => Promise<string>;
  /** Stands in the gateway's place; its port. */
  readonly writer?: (stack: AsyncDisposableStack) => Promise<number>;
  /** The path of the base URL. @defaultValue /anthropic */
  readonly path?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** How many bytes of a connection reach the gateway. */
  readonly passesBytes?: number;
  /** Before the client runs. */
  readonly before?: (gateway: TestGateway, api: ScriptedApi, stack: AsyncDisposableStack) => Promise<void>;
  /** Beside the client. */
  readonly meanwhile?: (gateway: TestGateway, api: ScriptedApi) => Promise<void>;
  /** What the client prints instead of our sentence, because it decides by the status alone. */
  readonly prints?: RegExp;
}

const ALICE_KEY = 'pen_the-key-of-alice-0123456789abcdefghijklmnop';
const BOB_KEY = 'pen_the-key-of-bob-0123456789abcdefghijklmnopqrs';
const CLIENTS = [{ name: 'alice', key_sha256: hashClientKey(ALICE_KEY) }];
const alice = (rules: Readonly<Record<string, unknown>> = {}): ConfigDocument => ({ clients: [{ name: 'alice', key_sha256: hashClientKey(ALICE_KEY), ...rules }] });
const AS_ALICE = { ANTHROPIC_API_KEY: ALICE_KEY };
const IN_THE_TEXT = messageEvents([text('Half of an answer.')]).slice(0, 4);
/** A 404 becomes "There's an issue with the selected model (NAME)", whatever its body. */
const NAMES_THE_MODEL = /selected model \(claude-[\w-]+\)/;
/** Some words are this client's own only after it has tried again. */
const AFTER_RETRIES = { CLAUDE_CODE_MAX_RETRIES: '3' };
const FRONT_DOOR_OFF = { openai_front_door: { enabled: false } };

/** An error that this client cannot cause is written by the gateway's own writer, so that the client judges its very bytes. */
async function startWriterOf(code: GatewayErrorCode, stack: AsyncDisposableStack): Promise<number> {
  const error = new GatewayError(code, `This sentence of ${code} is for the user.`);
  const server = createServer((_request, response) => { response.writeHead(error.shape.status, errorHeaders(error, 'pen_written')).end(errorBody(error, 'pen_written')); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

async function startUntrustedUpstream(stack: AsyncDisposableStack): Promise<string> {
  const server = createTlsServer(createAuthority('untrusted').issue({ names: ['127.0.0.1'] }));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => { server.close(); });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const written = (code: GatewayErrorCode, why: string): OwnError => ({ when: why, writer: (stack) => startWriterOf(code, stack) });

const POOL_IS_FULL = {
  answer: heldStream(IN_THE_TEXT),
  gateway: { anthropic_native: { pool: { max_connections: 1, max_keepalive_connections: 1 }, timeouts: { slot_wait: 0.2 } } },
  async before(gateway: TestGateway, _api: ScriptedApi, stack: AsyncDisposableStack): Promise<void> {
    const response = await ask(gateway);
    // Kept until the end: a response that nothing holds is collected, and gives its connection back.
    stack.defer(async () => { await response.body?.cancel(); });
  },
};

/** Every code of the gateway's own errors, so that a new one is seen through a real client's eyes before it is released. */
export const OWN_ERRORS: Readonly<Record<GatewayErrorCode, readonly OwnError[]>> = {
  bad_request: [{ when: 'the path of the base URL is ambiguous', path: '/anthropic;v=1' }],
  unauthenticated: [
    { when: 'the key is wrong', gateway: alice(), environment: { ANTHROPIC_API_KEY: 'pen_another-key' } },
    { when: 'two keys are of two clients', gateway: { clients: [...CLIENTS, { name: 'bob', key_sha256: hashClientKey(BOB_KEY) }] }, environment: { ANTHROPIC_API_KEY: ALICE_KEY, ANTHROPIC_AUTH_TOKEN: BOB_KEY } },
    { when: 'the key of the gateway stands where one of the API belongs', gateway: { ...alice(), anthropic_native: { credentials: 'forward', api_key: undefined }, ...FRONT_DOOR_OFF }, environment: AS_ALICE },
    { when: 'the key of the gateway is missing', gateway: { ...alice(), anthropic_native: { credentials: 'forward', api_key: undefined }, ...FRONT_DOOR_OFF } },
  ],
  identity_unavailable: [written('identity_unavailable', 'written: this client would wait for an issuer that never comes back')],
  forbidden: [{ when: 'the routes of the client do not include messages', gateway: alice({ routes: ['models'] }), environment: AS_ALICE }],
  not_found: [
    { when: 'messages are switched off', gateway: { anthropic_native: { route_groups: ['models'] } }, prints: NAMES_THE_MODEL },
    { when: 'the base URL leads elsewhere', path: '/elsewhere', prints: NAMES_THE_MODEL },
  ],
  model_not_open: [{ when: 'the client may use other models', gateway: alice({ models: ['claude-nothing-*'] }), environment: AS_ALICE, prints: NAMES_THE_MODEL }],
  method_not_allowed: [written('method_not_allowed', 'written: this client only posts')],
  request_timeout: [{ when: 'the body stops on its way', passesBytes: 8_000, overrides: { inboundLimits: { bodyStepTimeoutMs: 300, connectionsCheckingIntervalMs: 50 } } }],
  too_large: [{ ...written('too_large', 'written: this client refuses such a prompt itself'), prints: /Request too large \(max 32MB\)/ }],
  unsupported_media_type: [{ when: 'a custom header says that the body is compressed', environment: { ANTHROPIC_CUSTOM_HEADERS: 'content-encoding: compress' } }],
  misdirected: [
    { when: 'the base URL ends in /v1', path: '/anthropic/v1' },
    { when: 'the base URL lacks /anthropic', path: '' },
    { when: 'the base URL names a host that is not ours', environment: { ANTHROPIC_CUSTOM_HEADERS: 'host: elsewhere.example' } },
  ],
  rate_limited: [{ when: 'the minute of the client is spent', gateway: alice({ limits: { requests_per_minute: 1 } }), environment: AS_ALICE, before: async (gateway) => { await ask(gateway); } }],
  budget_spent: [{
    when: 'the budget of the client is nothing', environment: AS_ALICE, overrides: { database: openSqliteDatabase(':memory:') },
    gateway: { ...alice(), state: { store: 'sqlite:unused' }, budgets: [{ scope: { client: 'alice' }, share: 'each', amount_cents: 0 }] },
  }],
  header_overflow: [{ when: 'a custom header is too long', environment: { ANTHROPIC_CUSTOM_HEADERS: `x-team: ${'a'.repeat(17_000)}` } }],
  internal: [written('internal', 'written: a defect cannot be ordered')],
  upstream_unreachable: [{ when: 'nothing listens at the upstream', upstream: freedOrigin }],
  upstream_tls: [{ when: 'the certificate of the upstream is not trusted', upstream: startUntrustedUpstream }],
  upstream_reset: [{ when: 'the upstream resets before its answer', answer: resetBeforeHead }],
  upstream_invalid: [{ when: 'the upstream answers no HTTP', answer: (connection) => { connection.send('nonsense\r\n\r\n'); } }],
  upstream_credential: [{
    when: 'the API refuses the key of the gateway, and the gateway explains it', gateway: { anthropic_native: { upstream_auth_errors: 'explain' } },
    answer: apiError(401, 'authentication_error', 'invalid x-api-key'),
  }],
  overloaded: [
    { ...POOL_IS_FULL, when: 'another stream has the only connection', environment: AFTER_RETRIES },
    { ...POOL_IS_FULL, when: 'another stream has the only connection, and there is a model to fall back on (the other model would wait for the same connection)', flags: ['--fallback-model', 'claude-haiku-4-5'], environment: { CLAUDE_CODE_MAX_RETRIES: '1' } },
  ],
  draining: [{
    when: 'the gateway ends before the answer begins', answer: held, gateway: { server: { drain_timeout: 0.2 } },
    async meanwhile(gateway, api) {
      await api.asked(1);
      await gateway.drain();
    },
  }],
  upstream_timeout: [{ when: 'the upstream does not begin its answer', answer: held, gateway: { anthropic_native: { timeouts: { stream_headers: 0.3, message_headers: 0.3 } } } }],
  loop_detected: [{ when: 'the request has passed this gateway before', environment: { ANTHROPIC_CUSTOM_HEADERS: 'via: 1.1 penstock-test' } }],
};

/** An origin at which nothing listens any more. */
async function freedOrigin(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

function ask(gateway: TestGateway): Promise<Response> {
  const body = JSON.stringify({ model: 'claude-scripted', max_tokens: 1, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  return fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': ALICE_KEY }, body });
}

/** What the upstream answers where a case does not care. */
export const TEXT_ANSWER: ApiAnswer = message([text('Hello from upstream.')]);
