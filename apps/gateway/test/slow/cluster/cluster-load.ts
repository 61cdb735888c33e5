import { setTimeout as pause } from 'node:timers/promises';

/** A request that runs until its answer has ended, or did not end well. */
export interface Exchange {
  readonly status: number;
  /** Whether the answer came whole: a stream with its last event, or a message. */
  readonly isWhole: boolean;
  readonly text: string;
}

/** What to ask for. */
export interface Question {
  readonly key: string;
  /** A stream with this wait before each of its parts; absent: a whole answer. */
  readonly stream?: { readonly paceMs: number };
  /** Called when the head of the answer is here. */
  readonly onHead?: (status: number) => void;
}

/** What a whole answer takes at least: a model thinks, and load that does not is only heat. */
const HEAD_DELAY_MS = 50;

/** What a replica says that got no answer of the shared store within 250 ms, which is not configurable: a busy machine keeps one of the two waiting for longer. */
const STORE_IS_LATE = 'store of client limits does not answer';
const STORE_RETRY_MS = 250;

/** Asks, and asks again where the replica could not count: that refusal is of the machine, and every other one is the answer. */
export async function ask(origin: string, question: Question): Promise<Exchange> {
  for (;;) {
    const exchange = await askOnce(origin, question);
    if (exchange.status !== 429 || !exchange.text.includes(STORE_IS_LATE)) return exchange;
    await pause(STORE_RETRY_MS);
  }
}

/** Asks once, with a body that gives a stream of 24 parts. */
async function askOnce(origin: string, { key, stream, onHead }: Question): Promise<Exchange> {
  const response = await fetch(`${origin}/anthropic/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'anthropic-simulator': stream === undefined ? `delay-head=${HEAD_DELAY_MS}` : `pace=${stream.paceMs}` },
    body: JSON.stringify({ model: 'sim-long', max_tokens: 60, stream: stream !== undefined, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  if (response.status !== 429) onHead?.(response.status);
  const text = await response.text();
  return { status: response.status, isWhole: text.includes(stream === undefined ? '"stop_reason"' : 'event: message_stop'), text };
}

/** Load that runs until it is stopped or something went wrong. */
export interface Load {
  /** Answers that came whole, and the streams among them. */
  readonly complete: { readonly answers: number; readonly streams: number };
  /** Whatever did not, in the order in which it happened. */
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

/** Keeps asking each question, one at a time each. A client that failed leaves: what went wrong first is what is to be seen. */
export function startLoad(origin: string, questions: readonly Question[]): Load {
  const failures: string[] = [];
  const complete = { answers: 0, streams: 0 };
  const stopping = new AbortController();
  const loop = async (question: Question): Promise<void> => {
    while (!stopping.signal.aborted && failures.length === 0) {
      try {
        const { status, isWhole, text } = await ask(origin, question);
        if (status === 200 && isWhole) {
          complete.answers += 1;
          if (question.stream !== undefined) complete.streams += 1;
        } else failures.push(`${status} ${text.slice(-200)}`);
      } catch (error) {
        failures.push(String((error as Error).cause ?? error));
      }
    }
  };
  const loops = questions.map(loop);
  return {
    complete, failures,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
