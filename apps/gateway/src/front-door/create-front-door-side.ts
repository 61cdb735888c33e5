import type { UpstreamClient } from '@penstock/upstream-client';
import type { MountedSide } from '../application/create-application.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';

export const FRONT_DOOR_ROUTES: readonly string[] = ['/v1/chat/completions', '/v1/models', '/v1/models/{model_id}', '/v1/**'];

export interface FrontDoorSide extends MountedSide {
  readonly upstreams: Readonly<Record<string, UpstreamClient>>;
  update(config: GatewayConfig, clients: ClientRegistry): void;
  interrupt(reason: string): void;
  close(graceMs: number): Promise<void>;
}

export function createFrontDoorSide(_options: unknown): FrontDoorSide {
  throw new Error('not built yet');
}
