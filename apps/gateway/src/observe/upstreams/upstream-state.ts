import { OUTCOME_TRAITS, type Outcome } from '../../request/request-record.ts';
import type { Cause } from '../causes.ts';
import { readQuotaReset } from './read-quota-reset.ts';

/** How long a success of an upstream shows that its credential is good: a 403 in that time is about the request, not about the key. Milliseconds. */
export const CREDENTIAL_PROOF_MS = 60_000;

/** What is wrong with an upstream, since it was well for the last time. Unix milliseconds. */
export interface UpstreamTrouble {
  readonly cause: Cause;
  readonly since: number;
  /** When it showed for the last time. */
  readonly at: number;
}

/** When one upstream showed how it is, in Unix milliseconds; 0 where it never did. */
export interface UpstreamTimes {
  /** The head of a 2xx came. */
  readonly succeededAt: number;
  /** It answered, errors of its own included, or failed. */
  readonly answeredAt: number;
  readonly failedAt: number;
  /** It refused the gateway's own credential. */
  readonly refusedAt: number;
  readonly trouble: UpstreamTrouble | undefined;
}

/** How one upstream is, by the requests that it got. */
export interface UpstreamState {
  /** The number of the credential in force: a request takes it along, since its answer may come when another credential is. */
  readonly generation: number;
  /** Notes the head of a final response, before its body. Of a 429 it reads when the quota is full again; @defaultValue no fields, the generation in force */
  headSeen(status: number, rawHeaders?: readonly string[], generation?: number): void;
  /** Another process of this gateway had a success with the same credential, in Unix milliseconds: also a proof of that credential. */
  succeededElsewhere(at: number): void;
  /**
   * Whether a status is the upstream's refusal of the gateway's own credential: a 401, or a 403 while no request of this upstream has succeeded
   * for a minute; of a 403, what its fields name comes first. Never where the client's credential went upstream. @defaultValue no fields
   */
  refusesCredential(status: number, rawHeaders?: readonly string[]): boolean;
  /** Notes how a request ended; `status` is what the client saw. A refusal of an earlier credential shows nothing. @defaultValue the generation in force */
  ended(outcome: Outcome, status: number, generation?: number): void;
  /** A new credential is in force: what was refused was the old one. */
  credentialChanged(): void;
  /** The same, where it is of the same identity as the old one: that was let in, and so is this one. */
  credentialRenewed(): void;
  /** Whether the latest request that shows the upstream failed. */
  isFailing(): boolean;
  times(): UpstreamTimes;
}

/** The options of `createUpstreamState`. */
export interface UpstreamStateOptions {
  /** Of which side the upstream is: its causes have different words. */
  readonly kind: 'upstream' | 'backend';
  /** Whether the credential that goes upstream is the gateway's. */
  readonly ownsCredential: () => boolean;
  /** Whether the fields of a 403 name the credential as what is refused; `undefined` where they leave it open. @defaultValue they do */
  readonly readRefusal?: ((rawHeaders: readonly string[]) => boolean | undefined) | undefined;
  /** The credential was refused, or could not be had: it may be renewed. */
  readonly onRefused?: () => void;
  /** Unix milliseconds. @defaultValue Date.now */
  readonly now?: () => number;
}

/** Makes the state of an upstream that nothing was sent to yet. */
export function createUpstreamState({ kind, ownsCredential, readRefusal, onRefused, now = Date.now }: UpstreamStateOptions): UpstreamState {
  let succeededAt = 0;
  // The latest success with the credential in force, here or elsewhere, and since when it is.
  let provenAt = 0;
  let changedAt = Number.NEGATIVE_INFINITY;
  let generation = 0;
  let answeredAt = 0;
  let failedAt = 0;
  let refusedAt = 0;
  let isFailing = false;
  let trouble: UpstreamTrouble | undefined;
  // When the quotas that the last 429 named are full again.
  let quotaResetsAt: number | undefined;

  /** What is wrong now: a spent quota is over at its reset, although no request has shown it yet. */
  function currentTrouble(at: number): UpstreamTrouble | undefined {
    if (trouble?.cause === 'quota_spent' && quotaResetsAt !== undefined && at >= quotaResetsAt) trouble = undefined;
    return trouble;
  }

  function noteTrouble(cause: Cause, at: number): void {
    trouble = { cause, at, since: trouble?.cause === cause ? trouble.since : at };
  }

  function noteQuota(rawHeaders: readonly string[]): void {
    const at = now();
    // Judged by the reset that was in force: a trouble that is over must not go on with the new one.
    currentTrouble(at);
    quotaResetsAt = readQuotaReset(rawHeaders, at);
  }

  function credentialRenewed(): void {
    if (trouble?.cause === 'credential_refused') trouble = undefined;
    refusedAt = 0;
    generation += 1;
  }

  return {
    get generation() {
      return generation;
    },
    headSeen(status, rawHeaders = [], sentWith = generation) {
      if (status === 429) noteQuota(rawHeaders);
      if (status < 200 || status >= 300) return;
      succeededAt = now();
      if (sentWith !== generation) return;
      provenAt = succeededAt;
      if (trouble?.cause === 'credential_refused') trouble = undefined;
    },
    succeededElsewhere(at) {
      if (at > changedAt) provenAt = Math.max(provenAt, at);
    },
    refusesCredential(status, rawHeaders = []) {
      if (status === 401) return ownsCredential();
      return status === 403 && ownsCredential() && (readRefusal?.(rawHeaders) ?? now() - provenAt >= CREDENTIAL_PROOF_MS);
    },
    ended(outcome, status, sentWith = generation) {
      const { upstream } = OUTCOME_TRAITS[outcome];
      if (upstream === 'unknown' || (outcome === 'upstream_credential_refused' && sentWith !== generation)) return;
      const at = now();
      if (outcome === 'upstream_credential_refused') {
        refusedAt = at;
        onRefused?.();
      }
      isFailing = upstream === 'failed';
      if (upstream === 'answered') answeredAt = at;
      else failedAt = at;
      const cause = causeOf(outcome, status, kind);
      if (cause !== undefined) noteTrouble(cause, at);
      // An error about a request is no proof that the credential is good again.
      else if (trouble?.cause !== 'credential_refused') trouble = undefined;
    },
    credentialChanged() {
      credentialRenewed();
      provenAt = 0;
      changedAt = now();
    },
    credentialRenewed,
    isFailing: () => isFailing,
    times: () => ({ succeededAt, answeredAt, failedAt, refusedAt, trouble: currentTrouble(now()) }),
  };
}

/** The cause that the end of a request shows; `undefined` where the upstream is well by it. */
function causeOf(outcome: Outcome, status: number, kind: UpstreamStateOptions['kind']): Cause | undefined {
  if (outcome === 'upstream_credential_refused') return 'credential_refused';
  if (outcome === 'upstream_unreachable') return `${kind}_unreachable`;
  if (OUTCOME_TRAITS[outcome].upstream === 'failed') return `${kind}_failing`;
  if (outcome === 'stream_error_event') return 'api_failing';
  if (outcome !== 'upstream_error') return undefined;
  if (status === 429) return 'quota_spent';
  return status >= 500 ? 'api_failing' : undefined;
}
