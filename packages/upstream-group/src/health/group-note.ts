/** A session, or one model of it, is served by `to` from now on, or still is. */
export interface MoveNote {
  readonly kind: 'moved';
  /** The key in the table of moves: a digest. */
  readonly key: string;
  readonly owner: string;
  readonly to: string;
}

/** A member failed, or one model at it. */
export interface IllNote {
  readonly kind: 'ill';
  /** The model; absent for the member as a whole. */
  readonly scope: string | undefined;
  readonly reason: string | undefined;
  readonly failures: number;
  readonly coolsForMs: number;
  /** How long ago the last failure was. */
  readonly failedAgoMs: number;
  /** How long ago the request began that failed. */
  readonly beganAgoMs: number;
  /** Since when it is ill without a success between. */
  readonly illForMs: number;
}

/** A request was served that began `beganAgoMs` ago; without a model it shows the member as a whole only. */
export interface WellNote {
  readonly kind: 'well';
  readonly scope: string | undefined;
  readonly beganAgoMs: number;
}

/** A request finds out now whether a member, or one model at it, is well again. */
export interface ProbeNote {
  readonly kind: 'probed';
  readonly scope: string | undefined;
}

/** The quota for a model is below the floor for so long; 0: it is not any more. */
export interface LowNote {
  readonly kind: 'low';
  readonly scope: string;
  readonly lowForMs: number;
}

/** What is noted of the health of a member. */
export type HealthNote = IllNote | WellNote | ProbeNote | LowNote;

/**
 * What one group shows to the group of the same members in another process: plain data. Spans are milliseconds up to the moment of the note, since processes
 * have no clock in common.
 */
export type GroupNote = MoveNote | (HealthNote & { readonly member: string });
