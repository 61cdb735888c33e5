import type { UpstreamClient, UpstreamController, UpstreamDispatchOptions, UpstreamHandler } from '../src/index.ts';

/** Everything that happened to one dispatched request. */
export interface DispatchResult {
  readonly controller: UpstreamController | undefined;
  readonly status: number | undefined;
  readonly headers: Record<string, unknown> | undefined;
  readonly body: string;
  readonly trailers: Record<string, unknown> | undefined;
  readonly error: Error | undefined;
  /** How often the request was told to be over; more than once is a defect. */
  readonly endings: number;
}

/** A dispatched request: its result when it is over, and its controller now. */
export interface Dispatched {
  readonly result: Promise<DispatchResult>;
  readonly controller: UpstreamController;
}

type Hooks = Partial<Pick<UpstreamHandler, 'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onFramedData' | 'onResponseEnd' | 'onBodySent' | 'onRequestSent' | 'onResponseStarted'>>;

/** Dispatches one request and gathers what comes back; `hooks` are called first. */
export function dispatchRequest(client: UpstreamClient, options: Partial<UpstreamDispatchOptions> = {}, hooks: Hooks = {}): Dispatched {
  const { promise, resolve } = Promise.withResolvers<DispatchResult>();
  let controller: UpstreamController | undefined;
  let status: number | undefined;
  let headers: Record<string, unknown> | undefined;
  let body = '';
  let endings = 0;
  let result: { -readonly [Name in keyof DispatchResult]: DispatchResult[Name] } | undefined;
  const end = (error: Error | undefined, trailers?: Record<string, unknown>): void => {
    endings += 1;
    if (result !== undefined) { result.endings = endings; return; }
    result = { controller, status, headers, body, trailers, error, endings };
    resolve(result);
  };
  client.dispatch({ path: '/', method: 'POST', ...options }, {
    onRequestStart: (given, context) => { controller = given; hooks.onRequestStart?.(given, context); },
    onBodySent: (chunk) => { hooks.onBodySent?.(chunk); },
    onRequestSent: () => { hooks.onRequestSent?.(); },
    onResponseStarted: () => { hooks.onResponseStarted?.(); },
    onResponseStart: (given, code, fields, message) => {
      status = code;
      headers = fields;
      hooks.onResponseStart?.(given, code, fields, message);
    },
    onResponseData: (given, chunk) => { body += chunk.toString('latin1'); hooks.onResponseData?.(given, chunk); },
    ...(hooks.onFramedData === undefined ? {} : {
      onFramedData: (given, framed, ...place) => { body += framed.toString('latin1', place[0], place[1]); hooks.onFramedData?.(given, framed, ...place); },
    } satisfies Partial<UpstreamHandler>),
    onResponseEnd: (given, trailers) => { hooks.onResponseEnd?.(given, trailers); end(undefined, trailers); },
    onResponseError: (_given, error) => { end(error); },
  });
  if (controller === undefined) throw new Error('onRequestStart was not called at once');
  return { result: promise, controller };
}

/** The code of the `UpstreamError` a request ended with, or what it ended with instead. */
export async function failureCode(result: Promise<DispatchResult>): Promise<string> {
  const { error, status } = await result;
  if (error === undefined) return `no failure, status ${status}`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
