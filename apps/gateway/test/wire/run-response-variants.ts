import { fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ScriptedConnection, type WireMessage } from '@penstock/test-support';
import { startTestGateway } from '../start-test-gateway.ts';
import { RESPONSE_BODY, type ResponseVariant } from './response-variants.ts';

/** What a run over many variants came to. */
export interface ResponseReport {
  readonly problems: readonly string[];
  /** How many bodies reached their client whole, how many visibly broken, and how many were errors of the gateway's own. */
  readonly whole: number;
  readonly broken: number;
  readonly refused: number;
}

const AT_ONCE = 12;
const WAIT_MS = 60_000;
const FIRST_ID = 36 ** 3 * 10;
/** More than the buffers of a connection hold. */
const LARGE_BODY = `{"model":"m","n":"${'a'.repeat(2_000_000)}"}`;
const WITHOUT_BODY = new Set([204, 205, 304]);
/** A response that stops is ended soon. */
const CLOCKS = { anthropic_native: { timeouts: { quick_headers: 0.4, message_headers: 0.4, idle: 0.4 } }, openai_front_door: { enabled: false } };
/** Fields that no response of the upstream may bring to a client. */
const NEVER = ['set-cookie', 'x-accel-redirect', 'x-sendfile', 'strict-transport-security', 'alt-svc', 'nel', 'proxy-authenticate', 'access-control-allow-origin', 'upgrade'];

/** Answers one request with each variant, and a plain one behind it. */
export async function runResponseVariants(variants: readonly ResponseVariant[]): Promise<ResponseReport> {
  const byId = new Map(variants.map((variant, index) => [(index + FIRST_ID).toString(36), variant]));
  await using upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const head = await connection.waitFor((unread) => unread.includes('\r\n\r\n'), WAIT_MS);
      const [, kind, id = ''] = /(case|after)=([a-z\d]{4})/.exec(head.toString('latin1', 0, head.indexOf('\r\n'))) ?? [];
      const variant = kind === 'case' ? byId.get(id) : undefined;
      if (variant?.isEarly !== true) await connection.nextRequest(WAIT_MS);
      if (variant === undefined) connection.send(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ echo: `after=${id}` })));
      else {
        await sendVariant(connection, variant, id);
        if (variant.end !== 'keep') return;
      }
    }
  });
  await using gateway = await startTestGateway(upstream.origin, CLOCKS);
  const report = { problems: [] as string[], whole: 0, broken: 0, refused: 0 };
  const waiting = [...byId.keys()];
  const worker = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const variant = byId.get(id) as ResponseVariant;
      const expected = (variant.body ?? RESPONSE_BODY).replaceAll('{id}', id);
      const verdicts = [await ask(gateway.port, `case=${id}`, expected, variant.isEarly), await ask(gateway.port, `after=${id}`, `{"echo":"after=${id}"}`)];
      const [verdict = ''] = verdicts;
      if (verdict === 'whole' || verdict === 'broken' || verdict === 'refused') report[verdict] += 1;
      report.problems.push(...verdicts.filter((each) => !/^(?:whole|broken|refused)$/.test(each)).map((problem) => `${variant.name}: ${problem}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return report;
}

async function sendVariant(connection: ScriptedConnection, { bytes, end }: ResponseVariant, id: string): Promise<void> {
  const marked = bytes.replaceAll('{id}', id);
  // Two segments for every second one, so that a head or a chunk is met in parts.
  const half = Number.parseInt(id, 36) % 2 === 0 ? marked.length : marked.length >> 1;
  connection.send(marked.slice(0, half));
  await new Promise((resolve) => { setImmediate(resolve); });
  if (half < marked.length) connection.send(marked.slice(half));
  if (end === 'keep') return;
  if (end === 'fin') connection.socket.end();
  else connection.reset();
  await connection.closed();
}

/** What a client gets on a connection of its own: `whole`, `broken`, `refused`, or what is wrong with it. */
async function ask(port: number, mark: string, expected: string, hasBody: boolean = false): Promise<string> {
  const connection = await openRawConnection(port);
  try {
    connection.send(hasBody
      ? `POST /anthropic/v1/messages?${mark} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${LARGE_BODY.length}\r\n\r\n${LARGE_BODY}`
      : `GET /anthropic/v1/models?${mark} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return await readVerdict(connection, expected);
  } catch (error) {
    // A response that breaks may take its head with it when it breaks by a reset.
    return connection.end() === 'reset' && connection.received().length === 0 ? 'broken' : `no answer: ${String(error)}`;
  } finally {
    connection.close();
  }
}

async function readVerdict(connection: ScriptedConnection | Awaited<ReturnType<typeof openRawConnection>>, expected: string): Promise<string> {
  for (;;) {
    const message = await connection.readMessage({ kind: 'response' }, WAIT_MS);
    const problem = headProblem(message);
    if (problem !== undefined) return problem;
    const status = statusOf(message);
    if (status < 200) continue;
    const [code] = fieldValues(message.rawHeaders, 'x-penstock-error');
    if (code !== undefined) return message.complete && /^upstream_(?:invalid|reset|timeout)$/.test(code) ? 'refused' : `an error ${code}`;
    if (!message.complete) return 'broken';
    if (status >= 300 && status < 400 && status !== 304) return `a redirect ${status}`;
    const body = message.body.toString('latin1');
    return body === (WITHOUT_BODY.has(status) && body === '' ? '' : expected) ? 'whole' : `a whole body ${JSON.stringify(body.slice(0, 100))}`;
  }
}

const isControl = (character: string): boolean => (character < ' ' && !'\t\r\n'.includes(character)) || character === '\x7f';

/** What is wrong with a head that the gateway sent, by the strictest reading of RFC 9112. */
function headProblem({ bytes, rawHeaders, rawTrailers }: WireMessage): string | undefined {
  const head = bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n') + 2);
  if (!/^HTTP\/1\.1 [1-9]\d\d [\t\x20-\x7e\x80-\xff]*\r\n/.test(head)) return `status line ${JSON.stringify(head.split('\r\n')[0])}`;
  if (/\r(?!\n)|[^\r]\n/.test(head) || /\r\n[ \t]/.test(head) || Array.from(head).some(isControl)) return `head ${JSON.stringify(head)}`;
  const framings = [...fieldValues(rawHeaders, 'content-length'), ...fieldValues(rawHeaders, 'transfer-encoding')];
  if (framings.length > 1) return `framing fields ${framings.join()}`;
  const crossed = NEVER.filter((name) => fieldValues(rawHeaders, name).length > 0 || fieldValues(rawTrailers, name).length > 0);
  const framingTrailers = ['content-length', 'transfer-encoding', 'connection', 'x-penstock-error'].filter((name) => fieldValues(rawTrailers, name).length > 0);
  return crossed.length + framingTrailers.length === 0 ? undefined : `fields ${[...crossed, ...framingTrailers].join()}`;
}
