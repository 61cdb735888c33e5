import type { Context } from 'koa';
import type { InboundRequest } from '../request/inbound-request.ts';

/** One half of the gateway, as the application mounts it. It answers every request it is handed, and never throws. */
export interface MountedSide {
  handle(context: Context, inbound: InboundRequest): Promise<void>;
}
