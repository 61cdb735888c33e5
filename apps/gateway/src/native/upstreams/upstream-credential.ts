import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { CredentialConfig } from '../../config/sections/credential-fields.ts';

/** Bytes of the largest file with a bearer. */
export const MAX_BEARER_BYTES = 16_384;
/** How often a file with a bearer is looked at. */
const LOOK_INTERVAL_MS = 5_000;
/** What may stand in a header field without being two of them. */
const ONE_LINE = /^[\x21-\x7e]+$/;

/** The credential of one upstream. */
export interface UpstreamCredential {
  /** The header fields that carry it: one and the same list until it changes. Throws a `CredentialError` while there is none. */
  fields(): readonly string[];
  close(): void;
}

/** Why an upstream has no credential now; the message names the file and never what it holds. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
  readonly code = 'credential_unavailable';
}

/** Makes a credential out of its one member; without fields where requests carry the client's own, and where those of a cloud are added to each. */
export function createUpstreamCredential({ api_key: key, bearer, bearer_file: path }: CredentialConfig): UpstreamCredential {
  if (path !== undefined) return new BearerFile(path);
  const fields: readonly string[] = Object.freeze(key !== undefined ? ['x-api-key', key] : bearer === undefined ? [] : bearerField(bearer));
  return { fields: () => fields, close: () => undefined };
}

function bearerField(token: string): readonly string[] {
  return Object.freeze(['authorization', `Bearer ${token}`]);
}

/** A bearer that another program renews in a file. */
class BearerFile implements UpstreamCredential {
  readonly #path: string;
  #current: readonly string[] | CredentialError;

  constructor(path: string) {
    this.#path = path;
    this.#current = this.#read();
    watchFile(path, { persistent: false, interval: LOOK_INTERVAL_MS }, this.#look);
  }

  fields(): readonly string[] {
    // A file that could not be read is looked at by each request: it may be there by now.
    if (this.#current instanceof CredentialError) this.#look();
    if (this.#current instanceof CredentialError) throw this.#current;
    return this.#current;
  }

  close(): void {
    unwatchFile(this.#path, this.#look);
  }

  readonly #look = (): void => {
    this.#current = this.#read();
  };

  #read(): readonly string[] | CredentialError {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      return new CredentialError(`${this.#path} cannot be read`, { cause: error });
    }
    const token = text.trim();
    if (text.length > MAX_BEARER_BYTES || !ONE_LINE.test(token)) return new CredentialError(`${this.#path} must hold one line of at most ${MAX_BEARER_BYTES} bytes without spaces`);
    return bearerField(token);
  }
}
