/** Where and how a response body is broken off. */
export interface BodyBreak {
  readonly how: 'cut' | 'end' | 'reset' | 'stall' | 'bad-chunk';
  /** After how many body bytes, as they are after compression; `end` means after the last one. */
  readonly at: number | 'end';
}

/** The faults that one request asks for in its `anthropic-simulator` header. */
export interface Faults {
  readonly bodyBreak?: BodyBreak;
  readonly paceMs?: number;
  readonly status?: number;
  readonly htmlError?: number;
  readonly retryAfter?: string;
  /** Message and code of an error with `status`; of programmed answers only. */
  readonly message?: string;
  readonly errorCode?: string;
  readonly coding?: 'gzip' | 'identity';
  readonly chunkBytes?: number;
  readonly delayHeadMs?: number;
  readonly framing?: 'close' | 'length';
  readonly redirect?: string;
  readonly recording?: string;
  readonly isGarbage?: boolean;
  readonly isKeepAliveRefused?: boolean;
  readonly hasEarlyHints?: boolean;
  readonly hasLatin1Header?: boolean;
  readonly hasTrailer?: boolean;
  readonly isMislabelled?: boolean;
  readonly isResetBeforeHead?: boolean;
  readonly isClosedBeforeHead?: boolean;
  readonly isClosedAfter?: boolean;
  readonly isAnsweredTwice?: boolean;
  readonly requestBody?: 'unread' | 'answered-early';
}

/** The request header that carries faults; its name starts with `anthropic-` so that it crosses every gateway. */
export const FAULT_HEADER = 'anthropic-simulator';

type FaultReader = (value: string) => Faults | undefined;

/** What each word of the fault header means. */
const FAULT_READERS: Readonly<Record<string, FaultReader>> = Object.freeze({
  'cut-at': breakReader('cut'),
  'end-at': breakReader('end'),
  'reset-at': breakReader('reset'),
  'stall-at': breakReader('stall'),
  'bad-chunk-at': breakReader('bad-chunk'),
  pace: countReader((paceMs) => ({ paceMs })),
  status: statusReader((status) => ({ status })),
  'html-error': statusReader((htmlError) => ({ htmlError })),
  'retry-after': (value) => value === '' ? undefined : { retryAfter: value },
  gzip: flagReader({ coding: 'gzip' }),
  identity: flagReader({ coding: 'identity' }),
  chunk: countReader((chunkBytes) => chunkBytes === 0 ? undefined : { chunkBytes }),
  'delay-head': countReader((delayHeadMs) => ({ delayHeadMs })),
  'close-framed': flagReader({ framing: 'close' }),
  'content-length': flagReader({ framing: 'length' }),
  redirect: (value) => value === '' ? undefined : { redirect: value },
  recording: (value) => value === '' ? undefined : { recording: value },
  garbage: flagReader({ isGarbage: true }),
  'no-keep-alive': flagReader({ isKeepAliveRefused: true }),
  'early-hints': flagReader({ hasEarlyHints: true }),
  'latin1-header': flagReader({ hasLatin1Header: true }),
  trailer: flagReader({ hasTrailer: true }),
  'unlabelled-gzip': flagReader({ coding: 'gzip', isMislabelled: true }),
  'reset-before-head': flagReader({ isResetBeforeHead: true }),
  'close-before-head': flagReader({ isClosedBeforeHead: true }),
  'close-after': flagReader({ isClosedAfter: true }),
  'second-response': flagReader({ isAnsweredTwice: true }),
  'unread-body': flagReader({ requestBody: 'unread' }),
  'answer-early': flagReader({ requestBody: 'answered-early' }),
});

/** The names of all faults. */
export const FAULT_NAMES: readonly string[] = Object.freeze(Object.keys(FAULT_READERS));

/** Reads one fault by its word; `undefined` for an unknown one, and for a value that it cannot have. */
export function readFault(name: string, value: string): Faults | undefined {
  return Object.hasOwn(FAULT_READERS, name) ? FAULT_READERS[name]?.(value) : undefined;
}

/** Reads a fault header: a comma list of `name` or `name=value`. The message says what is wrong with it. */
export function parseFaults(header: string | undefined): { readonly ok: true; readonly faults: Faults } | { readonly ok: false; readonly message: string } {
  let faults: Faults = {};
  for (const word of (header ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const separator = word.indexOf('=');
    const name = separator === -1 ? word : word.slice(0, separator);
    if (!Object.hasOwn(FAULT_READERS, name)) return { ok: false, message: `${FAULT_HEADER}: unknown fault \`${name}\`; known are ${FAULT_NAMES.join(', ')}` };
    const read = readFault(name, separator === -1 ? '' : word.slice(separator + 1));
    if (read === undefined) return { ok: false, message: `${FAULT_HEADER}: \`${word}\` has no usable value` };
    faults = { ...faults, ...read };
  }
  return { ok: true, faults };
}

function breakReader(how: BodyBreak['how']): FaultReader {
  return (value) => {
    if (value === 'end') return { bodyBreak: { how, at: 'end' } };
    return /^\d+$/.test(value) ? { bodyBreak: { how, at: Number(value) } } : undefined;
  };
}

function countReader(make: (count: number) => Faults | undefined): FaultReader {
  return (value) => /^\d+$/.test(value) ? make(Number(value)) : undefined;
}

function statusReader(make: (status: number) => Faults): FaultReader {
  return (value) => /^[2-5]\d\d$/.test(value) ? make(Number(value)) : undefined;
}

function flagReader(faults: Faults): FaultReader {
  return (value) => value === '' ? faults : undefined;
}
