import { createEnvelopeScanner, isEnvelopeError, type EnvelopeErrorCode, type EnvelopeScannerOptions } from '@penstock/json-envelope';
import { PLAIN } from '../config/plain.ts';
import { JsonCheckError, type JsonCheck } from './json-check.ts';

const MAX_DEPTH = 1_000;
/** By the text's limit: a scanner's options are checked once for each object. */
const scannerOptions = new Map<number, EnvelopeScannerOptions>();

const REASONS: Readonly<Record<EnvelopeErrorCode, string>> = {
  invalid_json: 'is not valid JSON',
  invalid_utf8: 'is not valid UTF-8',
  too_deep: 'is nested too deeply',
  too_large: 'is too large',
};

/** Begins a check with the scanner that the native side reads bodies with: the sides share no import, so it is handed to the front door here. */
export function beginJsonCheck(maxBytes: number): JsonCheck {
  let options = scannerOptions.get(maxBytes);
  if (options === undefined) {
    options = Object.freeze({ maxBytes, maxDepth: MAX_DEPTH, plain: PLAIN });
    scannerOptions.set(maxBytes, options);
  }
  const scanner = createEnvelopeScanner(options);
  const checked = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!isEnvelopeError(error)) throw error;
      throw new JsonCheckError(error.code === 'too_large' ? 'too_large' : 'invalid', REASONS[error.code], error.byteOffset);
    }
  };
  return {
    write: (chunk) => { checked(() => { scanner.write(chunk); }); },
    end: () => { checked(() => { scanner.end(); }); },
  };
}
