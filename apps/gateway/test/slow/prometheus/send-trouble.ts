import type { Outcome } from '../../../src/request/request-record.ts';
import { countOutcome, type Truth } from './send-load.ts';
import type { SpawnedGateway } from './spawn-gateway.ts';

/** Client keys of the gateway that gets into trouble, by client. */
export const CLIENT_KEYS = { alice: 'pen_alice', bob: 'pen_bob', carol: 'pen_carol', dave: 'pen_dave', limited: 'pen_limited' } as const;

const BODY = '{"model":"claude-troubled","max_tokens":8,"stream":true,"messages":[]}';

/** The outcomes of what the gateway says of itself, by the code that its clients see. */
const OUTCOMES_BY_CODE: Readonly<Record<string, Outcome>> = {
  unauthenticated: 'client_error', rate_limited: 'client_error', overloaded: 'overloaded', upstream_unreachable: 'upstream_unreachable', upstream_reset: 'upstream_reset',
};

/** The status of a request whose client left before it saw one. */
const LEFT = 499;

/** How one request is sent. */
export interface SendOptions {
  /** The client's key. @defaultValue that of alice */
  readonly key?: string;
  /** Aborts it. */
  readonly signal?: AbortSignal;
  /** Called when the response head is there. */
  readonly onHead?: () => void;
}

function fetchTrouble(gateway: SpawnedGateway, trouble: string, { key = CLIENT_KEYS.alice, signal }: SendOptions): Promise<Response> {
  return fetch(`${gateway.anthropic}/v1/messages`, {
    method: 'POST', body: BODY, headers: { 'content-type': 'application/json', 'x-api-key': key, 'anthropic-trouble': trouble }, ...(signal === undefined ? {} : { signal }),
  });
}

/** Reads a response to its end and says how the request ended as its client sees it; rejects when the body broke. */
async function readOutcome(response: Response): Promise<Outcome> {
  const text = await response.text();
  const code = response.headers.get('x-penstock-error');
  if (code !== null) return OUTCOMES_BY_CODE[code] ?? 'internal';
  if (!response.ok) return response.status === 401 ? 'upstream_credential_refused' : 'upstream_error';
  return text.includes('event: error') ? 'stream_error_event' : 'ok';
}

/** Sends one request, reads what comes, and counts how it ended as its client saw it. */
export async function sendTrouble({ gateway, truth }: { readonly gateway: SpawnedGateway; readonly truth: Truth }, trouble: string, options: SendOptions = {}): Promise<void> {
  let status = LEFT;
  try {
    const response = await fetchTrouble(gateway, trouble, options);
    ({ status } = response);
    options.onHead?.();
    countOutcome(truth, await readOutcome(response), status);
  } catch (error) {
    if (options.signal?.aborted === true) countOutcome(truth, 'client_gone', status);
    else if (status === LEFT) throw error;
    else countOutcome(truth, 'upstream_truncated', status);
  }
}
