import { ClaudeCodeGatewayError } from './claude-code-gateway-error.ts';

/** Every bound of sign-in. */
export interface SignInLimits {
  /** Life of an access token. Seconds. @defaultValue 3,600 */
  readonly sessionTtlSeconds: number;
  /** Life of a refresh token since it was issued. A replaced one is remembered as long, so that its replay ends the session. Seconds. @defaultValue 1,209,600 (14 days) */
  readonly refreshTtlSeconds: number;
  /** How long a replaced refresh token still yields its successor, for two processes that refresh at once. Seconds. @defaultValue 60 */
  readonly refreshGraceSeconds: number;
  /** Life of a device code and its user code. Seconds. @defaultValue 600 */
  readonly grantTtlSeconds: number;
  /** How often a device may poll. Seconds. @defaultValue 5 */
  readonly pollIntervalSeconds: number;
  /** Sign-ins under way at once. @defaultValue 10,000 */
  readonly maxPendingGrants: number;
  /** Sign-ins that one address may begin in a window. @defaultValue 30 */
  readonly maxAuthorizationsPerAddress: number;
  /** Wrong codes that one address may submit in a window. @defaultValue 10 */
  readonly maxWrongCodesPerAddress: number;
  /** The window of both. Seconds. @defaultValue 600 */
  readonly attemptWindowSeconds: number;
  /** How long one process may ask the provider about a session alone; more than the provider's time for one grant. Milliseconds. @defaultValue 15,000 */
  readonly leaseMs: number;
  /** How long a second process waits for the first. Milliseconds. @defaultValue 8,000 */
  readonly leaseWaitMs: number;
  /** How long it waits for a process that did not release its lease to store what the provider answered; at most `leaseWaitMs`. Milliseconds. @defaultValue 5,000 */
  readonly settleWaitMs: number;
  /** How long `invalid_grant` of the provider ends no session whose newest token of the provider may be in such a process. Milliseconds. @defaultValue 600,000 */
  readonly unsettledMs: number;
  /** Refreshes that wait so, in one process. @defaultValue 1,000 */
  readonly maxLeaseWaiters: number;
  /** The groups in a token, as JSON. Bytes. @defaultValue 4,096 */
  readonly maxGroupsBytes: number;
  /** How often revocations of other processes are read. Milliseconds. @defaultValue 1,000 */
  readonly revocationPollMs: number;
  /** How often what is over is deleted. Milliseconds. @defaultValue 600,000 */
  readonly pruneMs: number;
  /** How often a provider that failed is tried again. Milliseconds. @defaultValue 10,000 */
  readonly providerProbeMs: number;
}

/** The bounds that hold unless others are given. */
export const DEFAULT_SIGN_IN_LIMITS: SignInLimits = Object.freeze({
  sessionTtlSeconds: 3_600, refreshTtlSeconds: 1_209_600, refreshGraceSeconds: 60, grantTtlSeconds: 600, pollIntervalSeconds: 5, maxPendingGrants: 10_000,
  maxAuthorizationsPerAddress: 30, maxWrongCodesPerAddress: 10, attemptWindowSeconds: 600, leaseMs: 15_000, leaseWaitMs: 8_000, settleWaitMs: 5_000, unsettledMs: 600_000, maxLeaseWaiters: 1_000,
  maxGroupsBytes: 4_096, revocationPollMs: 1_000, pruneMs: 600_000, providerProbeMs: 10_000,
});

/** Checks the bounds. @throws ClaudeCodeGatewayError `invalid_options` */
export function readSignInLimits(given: Partial<SignInLimits>): SignInLimits {
  const limits = { ...DEFAULT_SIGN_IN_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits) as ReadonlyArray<[string, number]>) {
    if (!Object.hasOwn(DEFAULT_SIGN_IN_LIMITS, name)) throw new ClaudeCodeGatewayError('invalid_options', `${name} is not a limit`);
    const least = name === 'refreshGraceSeconds' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) throw new ClaudeCodeGatewayError('invalid_options', `${name} must be an integer of at least ${least}, received ${value}`);
  }
  if (limits.refreshTtlSeconds < limits.sessionTtlSeconds) {
    throw new ClaudeCodeGatewayError('invalid_options', `refreshTtlSeconds must be at least sessionTtlSeconds (${limits.sessionTtlSeconds}), received ${limits.refreshTtlSeconds}`);
  }
  return limits;
}
