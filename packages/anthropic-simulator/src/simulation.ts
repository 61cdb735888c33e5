import type { Faults } from './faults.ts';
import type { RateLimits } from './http/rate-limits.ts';
import type { RecordingShelf } from './recordings.ts';
import type { ProgrammedAnswers } from './programmed-answers.ts';
import type { PromptCache } from './messages/prompt-cache.ts';
import type { Threads } from './messages/threads.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { ResolvedOptions } from './simulator-options.ts';

/** The state that all requests to one simulator share. */
export interface Simulation {
  readonly options: ResolvedOptions;
  readonly rateLimits: RateLimits;
  readonly promptCache: PromptCache;
  readonly recordings: RecordingShelf;
  readonly threads: Threads;
  readonly answers: ProgrammedAnswers;
  /** The faults of the next request that asks for none itself. */
  nextFaults(): Faults;
  /** Identifiers that do not follow from a request body: they depend on the seed and on how many came before. */
  readonly random: SeededRandom;
  /** The origin that absolute addresses in bodies start with. */
  publicOrigin(): string;
}
