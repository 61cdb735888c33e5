/**
 * Why a field did not cross; closed, so that it can be a metric label.
 *
 * | reason | means |
 * |---|---|
 * | `hop_by_hop` | belongs to one connection (see `HOP_BY_HOP_FIELDS`) |
 * | `nominated` | `Connection` named it |
 * | `credential` | a key or token that was not issued for the other side |
 * | `cookie` | `Cookie`, `Set-Cookie` |
 * | `forwarding` | says where a request came from: `Forwarded`, `X-Forwarded-*`, `CF-*`, … |
 * | `framing` | describes this hop's message or target, and is written anew: `Host`, `Content-Length`, `Expect`, ambiguous lengths |
 * | `internal` | the gateway's own, `x-penstock-*` |
 * | `not_allowed` | a request field that no rule allows |
 * | `denied` | a rule denies it |
 * | `replaced` | the gateway sets it itself |
 * | `invalid` | a response field that an HTTP/1.1 writer would refuse |
 * | `too_many` | a response field beyond `maxResponseFields` |
 */
export const DROP_REASONS = [
  'hop_by_hop', 'nominated', 'credential', 'cookie', 'forwarding', 'framing',
  'internal', 'not_allowed', 'denied', 'replaced', 'invalid', 'too_many',
] as const;

/** One of {@link DROP_REASONS}. */
export type DropReason = (typeof DROP_REASONS)[number];

/** A field that did not cross; never its value. */
export interface DroppedHeader {
  /** Lowercase. */
  readonly name: string;
  readonly reason: DropReason;
}
