import { OUTCOME_TRAITS, type Outcome, type TokenCounts, type UsageSource } from '../../request/request-record.ts';
import type { TokenLease } from './token-book.ts';
import type { TokenAmounts } from './token-limits.ts';
import type { TokenRatios } from './token-ratios.ts';

/** How a request ended, as far as its tokens are concerned. Times are in milliseconds. */
export interface TokenSpending {
  readonly outcome: Outcome;
  /** The status of the upstream's head; absent when none came. */
  readonly upstreamStatus: number | undefined;
  /** Since the upstream had the whole request; absent when it never had. */
  readonly workedMs: number | undefined;
  readonly isStream: boolean;
  /** As the request named it, else as the answer did: the same model must be found again. */
  readonly model: string | undefined;
  readonly usage: TokenCounts | undefined;
  readonly source: UsageSource | undefined;
  /** Bytes of what the model wrote, as far as it passed; absent where they were not measured. */
  readonly textBytes: number | undefined;
  /** The most output tokens that an estimate may come to. */
  readonly outputBound: number;
  /** Input tokens by the length of the request; for answers that do not report theirs. */
  readonly estimatedInput: number;
}

/** An estimate of the tokens of a request body; JSON has few bytes that are not text. */
export function estimateInput(requestBytes: number): number {
  return Math.ceil(requestBytes / INPUT_BYTES_PER_TOKEN);
}

/** Not learned: images have hundreds of bytes a token, and text that comes after them must not be charged by that. */
const INPUT_BYTES_PER_TOKEN = 4;

/** What an answer that is no stream costs while nothing of it is seen: faster than any model writes. */
const WRITTEN_PER_SECOND = 200;

const NOTHING: TokenAmounts = Object.freeze({ input_tokens_per_minute: 0, output_tokens_per_minute: 0 });

/** Settles a lease: to what was reported, else to an estimate of what flowed, never less than what was reported; and learns from whole answers. */
export function chargeTokens(lease: TokenLease, spending: TokenSpending, ratios: TokenRatios): void {
  const { source, usage, model, textBytes, isStream } = spending;
  if (source === 'final' && isStream && usage !== undefined && textBytes !== undefined) ratios.note(model, textBytes, usage.output);
  lease.settle(tokensOf(spending, ratios));
}

/** What a request is charged. */
export function tokensOf(spending: TokenSpending, ratios: TokenRatios): TokenAmounts {
  const { outcome, upstreamStatus, workedMs, usage, source, estimatedInput } = spending;
  if (upstreamStatus === undefined && (workedMs === undefined || !OUTCOME_TRAITS[outcome].mayHaveWorked)) return NOTHING;
  const reportedInput = usage === undefined ? 0 : usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  const reportedOutput = usage?.output ?? 0;
  // An error is not billed; one that reports usage all the same is taken at its word.
  if (source === 'final' || (upstreamStatus !== undefined && upstreamStatus >= 400)) return { input_tokens_per_minute: reportedInput, output_tokens_per_minute: reportedOutput };
  return {
    input_tokens_per_minute: reportedInput > 0 ? reportedInput : estimatedInput,
    output_tokens_per_minute: Math.max(reportedOutput, Math.min(spending.outputBound, estimateOutput(spending, ratios))),
  };
}

function estimateOutput({ outcome, upstreamStatus, workedMs, isStream, model, textBytes = 0 }: TokenSpending, ratios: TokenRatios): number {
  const written = Math.ceil(textBytes / ratios.bytesPerToken(model));
  // A stream shows what was written as it is. Of any other answer nothing is seen until it is whole, and then all of it.
  const isShown = isStream || (upstreamStatus !== undefined && outcome === 'ok');
  return isShown ? written : Math.max(written, Math.ceil((workedMs ?? 0) / 1000 * WRITTEN_PER_SECOND));
}
