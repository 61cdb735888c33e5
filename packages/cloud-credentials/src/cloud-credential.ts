import type { CloudCredentialError } from './cloud-credential-error.ts';

/** A request as it will be sent, without the fields of its credential. */
export interface RequestToSign {
  readonly method: string;
  /** Origin, path and query as they are sent. */
  readonly url: URL;
  /** Header fields, names and values by turns. Of fields that a signature brings itself, those of the caller are not signed and must not be sent. */
  readonly headers: readonly string[];
  /** All bytes of the body, in the order in which they are sent; they are read before `fieldsFor` returns. `null`: no body. */
  readonly body: readonly Uint8Array[] | null;
}

/** Of what was asked for: `idle` nothing yet, `ready` a value, `stale` a value that could not be renewed and has not expired, `failed` no value. */
export type CredentialState = 'idle' | 'ready' | 'stale' | 'failed';

/** How a credential is at one moment. Never holds a secret. */
export interface CredentialStatus {
  readonly state: CredentialState;
  /** When the value expires, in Unix milliseconds; absent where it does not, or is not known to. */
  readonly expiresAt?: number | undefined;
  /** Why the last renewal failed; absent after one that did not. */
  readonly error?: CloudCredentialError | undefined;
}

/** What proves to one cloud who calls. */
export interface CloudCredential {
  /**
   * The header fields that carry the credential for one request, names and values by turns; at once where nothing must be fetched or signed. A bearer gives
   * one and the same list until it is renewed.
   *
   * Throws, or rejects with, a `CloudCredentialError` while there is no credential.
   */
  fieldsFor(request: RequestToSign): readonly string[] | Promise<readonly string[]>;
  /** Fetches what is needed, now, as a check or ahead of the first request. Rejects with a `CloudCredentialError`. */
  renew(): Promise<void>;
  /** The cloud refused the credential: it is renewed with the next request, at most once in 10 seconds. That request may still carry the old one. */
  refused(): void;
  status(): CredentialStatus;
  /** Ends what is under way: it rejects with the code `closed`. */
  close(): void;
}

/** Options of every credential that is renewed. */
export interface RenewalOptions {
  /** Called when the state, or the code of the last failure, has changed. Must not throw. */
  readonly onStatus?: ((status: CredentialStatus) => void) | undefined;
  /** Called when another value than the last one is in force, before a request gets it: answers to requests that had the last one show nothing of this one. Must not throw. */
  readonly onReplaced?: (() => void) | undefined;
  /** Unix milliseconds. @defaultValue Date.now */
  readonly now?: (() => number) | undefined;
}
