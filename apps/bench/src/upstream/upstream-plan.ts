/** How the upstream answers every request from now on. */
export type UpstreamPlan =
  /** A message of 1 KB. */
  | { readonly kind: 'message' }
  /** What the request's body was: its length and SHA-256, as JSON. */
  | { readonly kind: 'digest' }
  /** An event stream. `events` deltas, then it ends; 0 is endless. A pace of 0 writes them all at once. */
  | { readonly kind: 'stream'; readonly eventsPerSecond: number; readonly events: number };

/** What the upstream knows of itself. */
export interface UpstreamStatus {
  readonly openConnections: number;
  readonly openStreams: number;
  readonly requests: number;
}
