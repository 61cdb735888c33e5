import type * as UpstreamGroupPackage from '@penstock/upstream-group';
import type { GatewayConfig } from '../config/gateway-config.ts';

let loaded: typeof UpstreamGroupPackage | undefined;

/** Loads what chooses between upstreams, where a configuration lists them. A reload needs no more: from none to a list there is a restart. */
export async function loadUpstreamGroup({ anthropic_native: { upstreams } }: GatewayConfig): Promise<void> {
  if (upstreams.length > 0) loaded ??= await import('@penstock/upstream-group');
}

/** What was loaded. Throws where no upstreams were listed at the start. */
export function upstreamGroup(): typeof UpstreamGroupPackage {
  if (loaded === undefined) throw new Error('no upstreams were listed when this gateway was started');
  return loaded;
}

/** Whether an error is one of a group of upstreams: none is where there is no group. */
export function isUpstreamGroupError(value: unknown): value is UpstreamGroupPackage.UpstreamGroupError {
  return loaded?.isUpstreamGroupError(value) === true;
}
