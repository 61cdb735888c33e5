import type { Dispatcher } from 'undici';
import { performance } from 'node:perf_hooks';
import type { RequestTimings, UpstreamDispatchOptions, UpstreamHandler } from '../dispatch-options.ts';
import type { RequestTimeouts } from '../options.ts';
import type { Slot, SlotHolder, WaiterLine } from '../pool/slot.ts';
import type { DirectChunks } from '../undici/direct-chunks.ts';
import type { RequestPhase, UpstreamErrorCode } from '../upstream-error.ts';
import { upstreamError } from './classify-error.ts';
import type { CloseDelimitedBody } from './close-delimited.ts';
import type { Timed } from './deadline-clock.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { RELEASED_OPTIONS, RELEASED_REQUEST, type PreparedRequest } from './prepare-request.ts';
import type { WriteStallBody } from './write-stall-body.ts';

export type RawFields = Exclude<Dispatcher.DispatchController['rawHeaders'], undefined>;
type MutableTimings = { -readonly [Name in keyof RequestTimings]: RequestTimings[Name] };

/**
 * What one request and its response are at a moment: the fields of an `Exchange`, which alone writes them. Of all of them one object, with fixed
 * fields, because this is the hot path: the list links of pool and clock are among them.
 */
export class ExchangeState {
  // First what each chunk of a response needs.
  phase: RequestPhase = 'waiting';
  paused = false;
  isYielding = false;
  turnBytes = 0;
  protected readonly handler: UpstreamHandler;
  protected upstream: Dispatcher.DispatchController | undefined = undefined;
  protected readonly context: ExchangeContext;
  protected timeouts: RequestTimeouts;
  /** Of the slot wait, then of the response head, then of the next piece; never while connecting, sending or paused. */
  deadline: number = Number.POSITIVE_INFINITY;
  readonly timings: MutableTimings = { enqueuedAt: performance.now() };
  slot: Slot | undefined = undefined;
  imminent = false;
  isTimed = false;
  previousTimed: Timed | undefined = undefined;
  nextTimed: Timed | undefined = undefined;
  readonly client: string | undefined;
  readonly caller: string | undefined;
  isLongLived: boolean;
  line: WaiterLine | undefined = undefined;
  previousWaiter: SlotHolder | undefined = undefined;
  nextWaiter: SlotHolder | undefined = undefined;
  aborted = false;
  reason: Error | null = null;
  reusedConnection = false;
  protected readonly method: string;
  /** The request as it was given; replaced when the response began, since a stream may last for hours. */
  protected options: UpstreamDispatchOptions;
  protected request: PreparedRequest = RELEASED_REQUEST;
  protected rawHead: string[] | undefined = undefined;
  protected body: WriteStallBody | undefined = undefined;
  protected closeDelimited: CloseDelimitedBody | undefined = undefined;
  protected directChunks: DirectChunks | undefined = undefined;
  protected informational = 0;
  protected reconnects = 0;

  constructor(handler: UpstreamHandler, options: UpstreamDispatchOptions, timeouts: RequestTimeouts, context: ExchangeContext) {
    this.handler = handler;
    this.options = options;
    this.method = options.method;
    this.client = options.client === '' ? undefined : options.client;
    this.caller = options.caller === '' ? undefined : options.caller;
    this.isLongLived = options.longLived !== undefined;
    this.timeouts = timeouts;
    this.context = context;
  }

  get rawHeaders(): RawFields {
    return this.rawHead ?? this.upstream?.rawHeaders ?? null;
  }

  /** A handler that has read the fields may release them: they are kept with the request otherwise. */
  set rawHeaders(fields: RawFields) {
    this.rawHead = undefined;
    if (this.upstream !== undefined) this.upstream.rawHeaders = fields;
  }

  get rawTrailers(): RawFields {
    return this.upstream?.rawTrailers ?? null;
  }

  get connectMs(): number {
    return this.timeouts.connectMs;
  }

  /** Drops the request, which is not sent again once its response began. */
  protected releaseRequest(): void {
    this.options = RELEASED_OPTIONS;
    this.request = RELEASED_REQUEST;
  }

  /** An error of the phase in which the request is. */
  protected error(code: UpstreamErrorCode, detail?: string, cause?: unknown): Error {
    return upstreamError(code, this.phase, this.operation(), detail, cause);
  }

  /** Method and origin, for messages. */
  protected operation(): string {
    return `${this.method} ${this.context.url.origin}`;
  }
}
