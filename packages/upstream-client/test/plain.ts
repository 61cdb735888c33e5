import { createUpstreamClient as create, type UpstreamClient, type UpstreamClientOptions } from '../src/index.ts';

/** Whether this run of the suite is the one without shortcuts (`PENSTOCK_PLAIN=1`). */
export const PLAIN: boolean = process.env['PENSTOCK_PLAIN'] === '1';

/** Makes the client under test, plain in a plain run. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  return create({ plain: PLAIN, ...options });
}
