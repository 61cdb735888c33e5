import { describeUnknownOption } from '@penstock/option-names';
import { readFault, type Faults } from './faults.ts';
import { SimulatorError } from './simulator-error.ts';

/** Faults as options; each does what the word of the fault header does that it is named after. Byte counts are of the body after compression. */
export interface FaultOptions {
  /** Ends the connection after so many body bytes, without the terminator of the body. */
  readonly cutAt?: number | 'end';
  /** Ends the body cleanly after so many bytes. */
  readonly endAt?: number | 'end';
  /** Resets the connection after so many body bytes. */
  readonly resetAt?: number | 'end';
  /** Sends nothing more after so many body bytes. */
  readonly stallAt?: number | 'end';
  /** Sends a chunk size that is none after so many body bytes. */
  readonly badChunkAt?: number | 'end';
  /** Milliseconds before each part of the body. */
  readonly paceMs?: number;
  /** Milliseconds before the head. */
  readonly delayHeadMs?: number;
  /** Bytes per write. */
  readonly chunkBytes?: number;
  /** An error of the API's with this status, from 400. */
  readonly status?: number;
  /** The edge's HTML page with this status. */
  readonly htmlError?: number;
  /** Seconds, or a date: the `retry-after` of an error. */
  readonly retryAfter?: number | string;
  /** The target of a 307. */
  readonly redirect?: string;
  /** The name of a recording to replay. */
  readonly recording?: string;
  readonly gzip?: boolean;
  readonly identity?: boolean;
  readonly unlabelledGzip?: boolean;
  readonly closeFramed?: boolean;
  readonly contentLength?: boolean;
  readonly trailer?: boolean;
  readonly noKeepAlive?: boolean;
  readonly latin1Header?: boolean;
  readonly earlyHints?: boolean;
  readonly garbage?: boolean;
  readonly closeBeforeHead?: boolean;
  readonly resetBeforeHead?: boolean;
  readonly closeAfter?: boolean;
  readonly secondResponse?: boolean;
  readonly unreadBody?: boolean;
  readonly answerEarly?: boolean;
}

/** The word of the fault header behind each option. */
export const FAULT_WORDS: Readonly<Record<keyof FaultOptions, string>> = Object.freeze({
  cutAt: 'cut-at', endAt: 'end-at', resetAt: 'reset-at', stallAt: 'stall-at', badChunkAt: 'bad-chunk-at', paceMs: 'pace', delayHeadMs: 'delay-head', chunkBytes: 'chunk',
  status: 'status', htmlError: 'html-error', retryAfter: 'retry-after', redirect: 'redirect', recording: 'recording', gzip: 'gzip', identity: 'identity',
  unlabelledGzip: 'unlabelled-gzip', closeFramed: 'close-framed', contentLength: 'content-length', trailer: 'trailer', noKeepAlive: 'no-keep-alive',
  latin1Header: 'latin1-header', earlyHints: 'early-hints', garbage: 'garbage', closeBeforeHead: 'close-before-head', resetBeforeHead: 'reset-before-head',
  closeAfter: 'close-after', secondResponse: 'second-response', unreadBody: 'unread-body', answerEarly: 'answer-early',
});

/** Reads fault options; throws `SimulatorError` `invalid_option` or `unknown_option`. */
export function readFaultOptions(options: FaultOptions): Faults {
  const unknown = describeUnknownOption(options, FAULT_WORDS);
  if (unknown !== undefined) throw new SimulatorError('unknown_option', unknown);
  let faults: Faults = {};
  for (const [name, word] of Object.entries(FAULT_WORDS)) {
    const value = options[name as keyof FaultOptions];
    if (value === undefined || value === false) continue;
    const read = readFault(word, value === true ? '' : String(value));
    if (read === undefined) throw new SimulatorError('invalid_option', `${name} has no usable value: received ${String(value)}`);
    faults = { ...faults, ...read };
  }
  return faults;
}
