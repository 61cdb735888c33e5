import { createEnvelopeScanner, type EnvelopeScanner } from '@penstock/json-envelope';
import { PLAIN } from '../config/plain.ts';
import type { BodyCheck } from '@penstock/upstream-client';

const JSON_TYPE = /^[ \t]*application\/(?:[^;, \t]+\+)?json[ \t]*(?:;|$)/i;
const IDENTITY = /^[ \t]*(?:identity)?[ \t]*$/i;
/** An answer has no bound of its own: its bytes pass and are not kept. */
const SCAN = Object.freeze({ maxBytes: Number.MAX_SAFE_INTEGER, plain: PLAIN });

/**
 * The check of a response whose body only the end of its connection delimits: JSON must be one whole text. JSON under a content
 * coding cannot be read here, and is never taken as whole. Of other types nothing is known.
 */
export function checkWholeJson(rawHeaders: readonly string[]): BodyCheck | undefined {
  let isJson = false;
  let isCoded = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    if (name === 'content-type') isJson = JSON_TYPE.test(rawHeaders[index + 1] ?? '');
    else if (name === 'content-encoding') isCoded ||= !IDENTITY.test(rawHeaders[index + 1] ?? '');
  }
  if (!isJson) return undefined;
  return isCoded ? UNREADABLE : new JsonCheck();
}

const UNREADABLE: BodyCheck = { update: () => undefined, isWhole: () => false };

class JsonCheck implements BodyCheck {
  #scanner: EnvelopeScanner | undefined = createEnvelopeScanner(SCAN);

  update(chunk: Uint8Array): void {
    try {
      this.#scanner?.write(chunk);
    } catch {
      // Not JSON, whatever follows.
      this.#scanner = undefined;
    }
  }

  isWhole(): boolean {
    try {
      return this.#scanner?.end() !== undefined;
    } catch {
      return false;
    }
  }
}
