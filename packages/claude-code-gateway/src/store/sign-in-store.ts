/** Where a sign-in stands. */
export type GrantStatus = 'pending' | 'identified' | 'approved' | 'denied' | 'redeemed';

/** One sign-in, from the device's first request to its token. Times are milliseconds since 1970. */
export interface DeviceGrant {
  readonly deviceDigest: string;
  readonly status: GrantStatus;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Address and user agent of the device, which the confirmation page shows. */
  readonly address: string;
  readonly userAgent: string;
  /** The browser that the grant belongs to since a person signed in there. */
  readonly browser: string | undefined;
  readonly identity: string | undefined;
}

/** What a person's session is stored as. */
export interface StoredSession {
  readonly sid: string;
  readonly identity: string;
  /** The provider's refresh token, sealed. */
  readonly providerRefresh: string | undefined;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  /** When a lease ended whose holder neither stored an answer of the provider nor released it: `providerRefresh` may be spent since. The database's clock. */
  readonly unsettledAt: number | undefined;
}

/** A refresh token with its session. */
export interface StoredRefreshToken {
  readonly session: StoredSession;
  /** When its successor was issued; `undefined` for the current one. */
  readonly replacedAt: number | undefined;
  /** The successor, sealed. */
  readonly successor: string | undefined;
  /** The database's clock at the time of reading. Milliseconds since 1970. */
  readonly readAt: number;
}

/** Sessions that were revoked, in the store's own order. */
export interface ReadRevocations {
  readonly sids: readonly string[];
  /** The number of the latest revocation: what the next reading begins after. */
  readonly latest: number;
}

/** What a poll of the device found. `too_early` leaves the grant as it is. */
export type PolledGrant = DeviceGrant & { readonly isTooEarly: boolean };

/** The state of sign-in. Every method rejects if the database fails; then nothing was changed. */
export interface SignInStore {
  /** Resolves with `false` if the user code is in use, or the most grants are pending. */
  createGrant(grant: NewGrant, mostPending: number): Promise<boolean>;
  findGrantByUserCode(userDigest: string, now: number): Promise<DeviceGrant | undefined>;
  findGrant(deviceDigest: string): Promise<DeviceGrant | undefined>;
  /** Notes a poll, unless the last one is less than `intervalMs` ago. */
  pollGrant(deviceDigest: string, now: number, intervalMs: number): Promise<PolledGrant | undefined>;
  /** `pending` → `identified`, for one browser. */
  identifyGrant(deviceDigest: string, found: FoundPerson, now: number): Promise<boolean>;
  /** `identified` → `approved` or `denied`, by the browser in which the person signed in. */
  decideGrant(deviceDigest: string, browser: string, decision: 'approved' | 'denied', now: number): Promise<boolean>;
  /** Denies a grant for which the provider refused the person. */
  denyGrant(deviceDigest: string, now: number): Promise<boolean>;
  /** `approved` → `redeemed`, and creates the session with its first refresh token; `undefined` unless this call was the one that redeemed it. */
  redeemGrant(deviceDigest: string, session: NewSession): Promise<StoredSession | undefined>;
  findRefreshToken(digest: string): Promise<StoredRefreshToken | undefined>;
  /** The database's clock, which all processes share. Milliseconds since 1970. */
  clock(): Promise<number>;
  /** Takes the lease of a session for one refresh; `false` while another process has it. Both times are of the database's clock. `takesOver`: also one that is over and was not released. */
  takeLease(sid: string, holder: string, now: number, untilMs: number, takesOver?: boolean): Promise<boolean>;
  releaseLease(sid: string, holder: string): Promise<void>;
  /** Stores what a refresh came to and ends the lease; `false` if the token was replaced or the session revoked meanwhile. */
  rotate(rotation: Rotation): Promise<boolean>;
  /** Keeps the provider's new refresh token although our own is not rotated, unless something else is stored by now than `replaced`. */
  keepProviderRefresh(sid: string, providerRefresh: string, replaced: string): Promise<void>;
  /** `false` if the session is unknown or was revoked before, or if `by` is given and does not have its lease, or another token of the provider is stored than `by` presented. */
  revokeSession(sid: string, now: number, by?: LeasedBy): Promise<boolean>;
  /** The sessions whose revocations have a higher number, and those that a process of an older release revoked without one. */
  revokedAfter(number: number): Promise<ReadRevocations>;
  /** Counts one attempt in the current window of a key and resolves with the count. */
  countAttempt(key: string, now: number, windowMs: number): Promise<number>;
  uncountAttempt(key: string): Promise<void>;
  /** Deletes what is over. */
  prune(now: number, keepReplacedMs: number, keepRevokedMs: number): Promise<void>;
  close(): Promise<void>;
}

/** A sign-in that a device begins. */
export interface NewGrant {
  readonly deviceDigest: string;
  readonly userDigest: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly address: string;
  readonly userAgent: string;
}

/** The person that the provider named, and the browser in which it did. */
export interface FoundPerson {
  readonly browser: string;
  readonly identity: string;
  readonly providerRefresh: string | undefined;
}

/** The session that a redeemed grant becomes. */
export interface NewSession {
  readonly sid: string;
  readonly now: number;
  readonly expiresAt: number;
  /** Absent where the provider gave no refresh token. */
  readonly refreshDigest: string;
}

/** Who has the lease of a session, with the provider's refresh token that was presented, sealed. */
export interface LeasedBy {
  readonly holder: string;
  readonly providerRefresh: string;
}

/** A refresh that the provider granted. */
export interface Rotation {
  readonly sid: string;
  readonly holder: string;
  readonly oldDigest: string;
  readonly newDigest: string;
  /** The new token, sealed, for a process that presents the old one within the grace. */
  readonly successor: string;
  readonly identity: string;
  /** The provider's refresh token from now on, sealed. */
  readonly providerRefresh: string;
  /** What it replaces: a holder that lost the lease stores its own only while this is still stored. */
  readonly replacedProviderRefresh: string;
  readonly now: number;
  readonly expiresAt: number;
  /** Every token of the session that was replaced so shortly ago yields the new one from now on. Milliseconds. */
  readonly graceMs: number;
}
