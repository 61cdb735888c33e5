export {
  createEnvelopeScanner,
  type EnvelopeScanner,
} from './create-envelope-scanner.ts';
export { HAS_MACHINE } from './json-machine.ts';
export type { Envelope, MemberValue, RootKind, ValueSpan } from './envelope.ts';
export {
  EnvelopeError,
  isEnvelopeError,
  type EnvelopeErrorCode,
} from './envelope-error.ts';
export {
  ENVELOPE_OPTION_ERROR_CODES,
  EnvelopeOptionError,
  isEnvelopeOptionError,
  type EnvelopeOptionErrorCode,
} from './envelope-option-error.ts';
export {
  DEFAULT_ENVELOPE_LIMITS,
  type EnvelopeScannerOptions,
} from './envelope-options.ts';
