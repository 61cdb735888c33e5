import type { Server } from 'node:http';
import { createInboundServer as create, type InboundServerOptions } from '../src/create-inbound-server.ts';

/** Makes the server under test, without shortcuts in a plain run of the suite (`PENSTOCK_PLAIN=1`). */
export function createInboundServer(options: InboundServerOptions): Server {
  return create({ plain: process.env['PENSTOCK_PLAIN'] === '1', ...options });
}
