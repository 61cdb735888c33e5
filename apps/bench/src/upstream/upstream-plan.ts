/** How often a stream sends an event: a rate for each second, all at once, or each event as soon as the client has the one before. */
export type Pace = number | 'at once' | 'saturated';

/** How the upstream answers every request from now on. */
export type UpstreamPlan =
  /** A message of 1 KB. */
  | { readonly kind: 'message' }
  /** The length and SHA-256 of the request's body, as JSON. */
  | { readonly kind: 'digest' }
  /** An event stream of `events` deltas; 0 is endless. */
  | { readonly kind: 'stream'; readonly pace: Pace; readonly events: number }
  /** A message, or for a request with `"stream":true` a stream. */
  | { readonly kind: 'mix'; readonly pace: Pace; readonly events: number };

/** The upstream's own counts. */
export interface UpstreamStatus {
  readonly openConnections: number;
  readonly openStreams: number;
  readonly requests: number;
}
