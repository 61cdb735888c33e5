import { Agent, request, type Dispatcher } from 'undici';

/** What a client made of one request. */
export interface SeenRequest {
  /** The gateway's name for it; absent when no answer came. */
  readonly id: string | undefined;
  /** Side and end: the outcome that the gateway must have recorded, `broken` or `aborted` where only some of them can be told apart, `lost` without an answer. */
  readonly end: string;
}

/** All requests of the clients. */
export interface SeenTraffic {
  /** How each ended, by its id. */
  readonly ends: Map<string, string>;
  /** Ends of those that have no id, or one that was seen before. */
  readonly nameless: string[];
}

/** One kind of request and how often it comes. */
interface Kind {
  readonly weight: number;
  readonly side: 'native' | 'front_door';
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The client leaves after the first bytes. */
  readonly leaves?: boolean;
}

export const SOAK_KEY = 'pen_soak-key-of-the-soak-test-0000000001';
const MESSAGES = '/anthropic/v1/messages';
const QUESTION = { model: 'sim-text', max_tokens: 24, messages: [{ role: 'user', content: 'Say something.' }] };
const WHOLE = JSON.stringify(QUESTION);
const STREAM = JSON.stringify({ ...QUESTION, stream: true });
const LONG_STREAM = JSON.stringify({ ...QUESTION, model: 'sim-long', max_tokens: 400, stream: true });
const JSON_TYPE = { 'content-type': 'application/json' };
const MULTIPART = { 'content-type': 'multipart/form-data; boundary=soak', 'anthropic-beta': 'files-api-2025-04-14' };
const FILE = `--soak\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n${'soak '.repeat(400)}\r\n--soak--\r\n`;

const native = (weight: number, path: string, body?: string, rest: Partial<Kind> = {}): Kind => ({ weight, side: 'native', path, ...(body === undefined ? {} : { body }), ...rest });
const fault = (weight: number, what: string, body = STREAM): Kind => native(weight, MESSAGES, body, { headers: { ...JSON_TYPE, 'anthropic-simulator': what } });

const KINDS: readonly Kind[] = [
  native(28, MESSAGES, WHOLE), native(26, MESSAGES, STREAM), native(8, '/anthropic/v1/models'), native(5, `${MESSAGES}/count_tokens`, JSON.stringify({ model: QUESTION.model, messages: QUESTION.messages })),
  native(3, '/anthropic/v1/files', FILE, { headers: MULTIPART }),
  { weight: 4, side: 'front_door', path: '/v1/chat/completions', body: JSON.stringify({ model: 'claude-sim', messages: QUESTION.messages }) },
  { weight: 2, side: 'front_door', path: '/v1/chat/completions', body: JSON.stringify({ model: 'claude-sim', stream: true, messages: QUESTION.messages }) },
  native(4, MESSAGES, LONG_STREAM, { leaves: true }), native(1, MESSAGES, WHOLE, { leaves: true }),
  native(3, MESSAGES, WHOLE, { headers: { ...JSON_TYPE, 'x-api-key': 'wrong' } }),
  native(2, MESSAGES, '{"model": nope}'), native(2, '/anthropic/v1/nowhere'), native(0.02, MESSAGES, ' '.repeat(33 * 1024 * 1024)),
  fault(1, 'cut-at=300'), fault(1, 'reset-at=300'), fault(0.3, 'stall-at=300'), fault(1, 'bad-chunk-at=300'), fault(1, 'status=529'), fault(1, 'garbage', WHOLE),
  fault(1, 'close-before-head'), fault(1, 'reset-before-head'), fault(1, 'close-after', WHOLE), fault(1, 'second-response', WHOLE), fault(1, 'html-error=502'), fault(1, 'gzip'), fault(0.5, 'chunk=1'),
];
const TOTAL_WEIGHT = KINDS.reduce((sum, { weight }) => sum + weight, 0);

/** Gateway codes that are counted under another name. */
const OUTCOME_OF_CODE: Readonly<Record<string, string>> = {
  upstream_invalid: 'upstream_reset', upstream_tls: 'upstream_unreachable', upstream_reset: 'upstream_reset', upstream_unreachable: 'upstream_unreachable',
  upstream_timeout: 'upstream_timeout', overloaded: 'overloaded', draining: 'draining', internal: 'internal',
};

function pick(random: number): Kind {
  let left = random * TOTAL_WEIGHT;
  return KINDS.find(({ weight }) => (left -= weight) < 0) ?? (KINDS[0] as Kind);
}

/** Reads a body to its end and says how it ended. */
async function readBody(body: Dispatcher.ResponseData['body']): Promise<string> {
  let tail = '';
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) tail = (tail + chunk.toString('latin1')).slice(-600);
  } catch {
    return 'broken';
  }
  return /event: error\ndata: [^\n]*"request_id":"pen_/.test(tail) ? 'broken' : 'whole';
}

/** Sends one request and says what became of it. */
async function sendOne(origin: string, agent: Agent, { side, path, body, headers = JSON_TYPE, leaves = false }: Kind): Promise<SeenRequest> {
  const credentials = side === 'native' ? { 'x-api-key': SOAK_KEY } : { authorization: `Bearer ${SOAK_KEY}` };
  const leaving = new AbortController();
  let response: Dispatcher.ResponseData;
  try {
    response = await request(origin + path, {
      dispatcher: agent, method: body === undefined ? 'GET' : 'POST', headers: { ...credentials, ...headers }, signal: leaving.signal, ...(body === undefined ? {} : { body }),
    });
  } catch {
    return { id: undefined, end: `${side} lost` };
  }
  const [id, code] = [response.headers['x-penstock-request-id']?.toString(), response.headers['x-penstock-error']];
  if (leaves && code === undefined) {
    leaving.abort();
    response.body.on('error', () => undefined);
    return { id, end: `${side} aborted` };
  }
  const end = await readBody(response.body);
  if (typeof code === 'string') return { id, end: `${side} ${OUTCOME_OF_CODE[code] ?? 'client_error'}` };
  if (end === 'broken') return { id, end: `${side} broken` };
  return { id, end: `${side} ${response.statusCode >= 400 ? 'upstream_error' : 'ok'}` };
}

/** How much to send. */
export interface TrafficAmount {
  readonly clients: number;
  /** At most so many together. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Goes on until so many were sent, */
  readonly leastRequests: number;
  /** but not for longer than this. */
  readonly mostSeconds: number;
}

/** Sends requests from `clients` loops until the time is over. */
export async function sendTraffic(origin: string, { clients, perSecond, seconds, leastRequests, mostSeconds }: TrafficAmount): Promise<SeenTraffic> {
  const agent = new Agent({ connections: clients, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 });
  const ends = new Map<string, string>();
  const nameless: string[] = [];
  const startedAt = performance.now();
  let sent = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let spent = 0; spent < seconds || (sent < leastRequests && spent < mostSeconds); spent = (performance.now() - startedAt) / 1000) {
      // Each kind once, and then by chance: the series of a rare one are there from the beginning, however few requests a busy machine sends.
      const kind = KINDS[sent] ?? pick(Math.random());
      const early = (sent += 1) / perSecond * 1000 - (performance.now() - startedAt);
      if (early > 5) await new Promise((resolve) => { setTimeout(resolve, early); });
      const { id, end } = await sendOne(origin, agent, kind);
      if (id === undefined || ends.has(id)) nameless.push(end);
      else ends.set(id, end);
    }
  }));
  await agent.close();
  return { ends, nameless };
}
