import { isUpstreamError } from '@penstock/upstream-client';

/** How long an upstream may take for its whole answer to `penstock check --online`: the clocks of the configuration are made for messages. */
export const ASK_TIMEOUT_MS = 30_000;

/** What came of asking an upstream, or for its credential. */
export interface OnlineAnswer {
  /** One line for people. */
  readonly text: string;
  readonly accepted: boolean;
}

/** Puts the place in the configuration before what is known of the credential there. */
export function answerAt(at: string, { text, accepted }: OnlineAnswer): OnlineAnswer {
  return { text: `${at}: ${text}`, accepted };
}

/** Names an upstream that did not answer, and why. */
export function describeUnasked(origin: string, error: unknown): string {
  const { name, cause } = error as Error;
  const reason = isUpstreamError(error) ? error.code : name === 'TimeoutError' ? 'no answer in time' : 'no answer';
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return `${origin} could not be asked (${reason}${code === undefined ? '' : `: ${code}`})`;
}
