import type { BodyName } from '../wire/request-bodies.ts';

/** Where a workload goes and what it sends. */
export interface Target {
  readonly port: number;
  readonly path: string;
  /** Fields beside those of every request, flat. */
  readonly fields: readonly string[];
  readonly body: BodyName;
  /** A file with a bearer in each line: each request carries one of them, chosen at random, and no key. */
  readonly bearersFile?: string;
}
