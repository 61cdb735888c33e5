/** What each request of a message batch was charged when the batch was made: all of them the same, so that results may be read in any order and in parts. */
export interface BatchShare {
  readonly nanoDollars: bigint;
  readonly input: number;
  readonly output: number;
}

/** A message batch that was charged by an estimate. */
export interface MadeBatch {
  /** The id that the API gave it, storable. */
  readonly id: string;
  readonly requests: number;
  readonly each: BatchShare;
  /** The labels of its estimate in metrics: the caller's, a client's name or a policy's, and the upstream's. Absent of batches of earlier versions. */
  readonly client?: string | undefined;
  readonly upstream?: string | undefined;
}
