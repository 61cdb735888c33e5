import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { UpstreamController, UpstreamHandler } from '../dispatch-options.ts';
import { thrownError } from '../thrown.ts';

const NO_BYTES = Buffer.alloc(0);

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

// The calls of a caller's handler. What it throws is returned, for the request to end with: undici must not see it.

export function callStep(handler: Handler, step: 'onBodySent' | 'onRequestSent' | 'onResponseStarted', chunk: Buffer = NO_BYTES): Error | undefined {
  try {
    handler[step]?.(chunk);
    return undefined;
  } catch (error) {
    return thrownError(error);
  }
}

export function callHead(handler: Handler, controller: Controller, status: number, headers: IncomingHttpHeaders, statusMessage: string | undefined): Error | undefined {
  try {
    handler.onResponseStart?.(controller, status, headers, statusMessage);
    return undefined;
  } catch (error) {
    return thrownError(error);
  }
}

export function callData(handler: Handler, controller: Controller, chunk: Buffer): Error | undefined {
  try {
    handler.onResponseData?.(controller, chunk);
    return undefined;
  } catch (error) {
    return thrownError(error);
  }
}

export function callFramed(handler: UpstreamHandler, controller: UpstreamController, framed: Buffer, start: number, end: number, receivedAt: number): Error | undefined {
  try {
    if (handler.onFramedData === undefined) handler.onResponseData?.(controller, framed.subarray(start, end));
    else handler.onFramedData(controller, framed, start, end, receivedAt);
    return undefined;
  } catch (error) {
    return thrownError(error);
  }
}

export function callEnd(handler: Handler, controller: Controller, trailers: IncomingHttpHeaders): Error | undefined {
  try {
    handler.onResponseEnd?.(controller, trailers);
    return undefined;
  } catch (error) {
    return thrownError(error);
  }
}

/** The last call: the upstream client reports its exception, the request is over. */
export function callError(handler: Handler, controller: Controller, error: Error): Error | undefined {
  try {
    handler.onResponseError?.(controller, error);
    return undefined;
  } catch (thrown) {
    return thrownError(thrown);
  }
}
