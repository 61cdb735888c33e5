import { answerAlways, fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type RawConnection, type WireMessage } from '@penstock/test-support';
import { framingProblems, readRecordedBytes } from '../admission/recorded-bytes.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import type { RequestVariant } from './request-variants.ts';

/** What a run over many variants came to. */
export interface VariantReport {
  /** Whatever is not as it must be, each with the name of its variant. */
  readonly problems: readonly string[];
  /** How many variants reached the upstream, and how many of the next requests on the same connection were served. */
  readonly forwarded: number;
  readonly servedNext: number;
}

/** The requests of one connection, by what marks them: the variant, one in its last segment, and one after its answer. */
const MARKS = ['case', 'behind', 'after'] as const;
type Mark = (typeof MARKS)[number];

const AT_ONCE = 48;
/** The first number of four digits to the base 36 that begins with a letter. */
const FIRST_ID = 36 ** 3 * 10;
const WAIT_MS = 60_000;
/** What waits for bytes that never come is ended soon. */
const INBOUND_LIMITS = { headersTimeoutMs: 400, bodyStepTimeoutMs: 400, connectionsCheckingIntervalMs: 50, lingerIdleMs: 50, lingerMs: 400 };
const MOST_ANSWERS = 5;

/** Sends each variant on a connection of its own and checks both ends of the gateway. */
export async function runRequestVariants(variants: readonly RequestVariant[]): Promise<VariantReport> {
  await using upstream = await startScriptedUpstream(answerAlways(({ startLine }) => wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ echo: markIn(startLine) }))));
  await using gateway = await startTestGateway(upstream.origin, {}, { inboundLimits: INBOUND_LIMITS });
  const problems: string[] = [];
  const answered = new Map<string, readonly string[]>();
  const waiting = variants.map((variant, index) => ({ ...variant, id: (index + FIRST_ID).toString(36), index }));
  const worker = async (): Promise<void> => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      const answers = await exchange(gateway.port, one).catch((error: unknown) => [`broken: ${String(error)}`]);
      answered.set(one.id, answers);
      problems.push(...problemsOf(answers, one.id).map((problem) => `${one.name}: ${problem}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const { requests, rests } = readRecordedBytes(upstream);
  problems.push(...requests.flatMap((request) => framingProblems(request).map((problem) => `outbound ${JSON.stringify(request.startLine)}: ${problem}`)));
  problems.push(...rests.map((rest) => `outbound rest ${JSON.stringify(rest.toString('latin1').slice(0, 200))}`));
  problems.push(...requests.filter(({ startLine }) => startLine.includes('smuggled=')).map(({ startLine }) => `smuggled: ${JSON.stringify(startLine)}`));
  const seen = countMarks(requests);
  for (const [id, answers] of answered) {
    for (const mark of MARKS) {
      const [outbound, echoes] = [seen.get(`${mark}=${id}`) ?? 0, answers.filter((answer) => answer === `${mark}=${id}`).length];
      if (outbound > 1 || outbound !== echoes) problems.push(`${variants[Number.parseInt(id, 36) - FIRST_ID]?.name ?? id}: ${mark} went upstream ${outbound} times and was answered ${echoes} times`);
    }
  }
  const served = (mark: Mark): number => [...answered].filter(([id, answers]) => answers.includes(`${mark}=${id}`)).length;
  return { problems, forwarded: served('case'), servedNext: served('after') };
}

const markIn = (text: string): string => /(?:case|behind|after|smuggled)=[a-z\d]{4}/.exec(text)?.[0] ?? 'none';

function countMarks(requests: readonly WireMessage[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { startLine } of requests) counts.set(markIn(startLine), (counts.get(markIn(startLine)) ?? 0) + 1);
  return counts;
}

const follow = (mark: Mark, id: string): string => `GET /anthropic/v1/models?${mark}=${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** The answers on one connection in order: the mark that an answer echoes, or the code of an error of the gateway's own. */
async function exchange(port: number, { bytes, id, index }: RequestVariant & { readonly id: string; readonly index: number }): Promise<string[]> {
  const connection = await openRawConnection(port);
  try {
    const marked = bytes.replaceAll('{id}', id);
    // A request behind it comes in its last segment, as a client that pipelines sends it, or only after the answer, as a proxy does.
    await sendInSegments(connection, index % 2 === 0 || marked.includes('behind=') ? marked : marked + follow('behind', id), 1 + (index % 3));
    const answers: string[] = [];
    for (let next = await nextAnswer(connection, bytes.startsWith('HEAD ')); next !== undefined; next = await nextAnswer(connection, false)) {
      answers.push(describeAnswer(next));
      if (answers.length === 1 && connection.end() === 'open') connection.send(follow('after', id));
      if (answers.includes(`after=${id}`) || answers.length > MOST_ANSWERS) break;
    }
    return answers;
  } finally {
    connection.close();
  }
}

async function sendInSegments(connection: RawConnection, bytes: string, count: number): Promise<void> {
  const step = Math.ceil(bytes.length / count);
  for (let at = 0; at < bytes.length; at += step) {
    connection.send(bytes.slice(at, at + step));
    // The gateway reads in a turn of its own, and so this segment alone.
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

/** The next final answer; `undefined` when the connection ends first. */
async function nextAnswer(connection: RawConnection, toHead: boolean): Promise<WireMessage | undefined> {
  for (;;) {
    let message: WireMessage;
    try {
      message = await connection.readMessage({ kind: 'response', toHead }, WAIT_MS);
    } catch (error) {
      if (connection.end() !== 'open' && String(error).endsWith('before a whole head: ""')) return undefined;
      throw error;
    }
    if (statusOf(message) >= 200) return message;
  }
}

/** The mark that an answer echoes, the code of an error of the gateway's own, or what is wrong with it. */
function describeAnswer(message: WireMessage): string {
  if (!message.complete) return `broken: ${JSON.stringify(message.bytes.toString('latin1'))}`;
  const [code] = fieldValues(message.rawHeaders, 'x-penstock-error');
  if (code !== undefined) return `error ${code}`;
  if (statusOf(message) !== 200) return `broken: a status ${statusOf(message)} of unknown source`;
  return (JSON.parse(message.body.toString()) as { echo?: string }).echo ?? 'no echo';
}

function problemsOf(answers: readonly string[], id: string): string[] {
  const echoes = answers.filter((answer) => /=[a-z\d]{4}$/.test(answer));
  const inOrder = MARKS.map((mark) => `${mark}=${id}`).filter((mark) => echoes.includes(mark));
  return [
    ...answers.filter((answer) => answer.startsWith('broken') || answer === 'none'),
    ...(echoes.join() === inOrder.join() ? [] : [`its connection got the answers ${answers.join(', ')}`]),
  ];
}
