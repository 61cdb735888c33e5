import type { CloudSide } from '../config/configured-clouds.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { createBedrockFormat } from './bedrock/bedrock-format.ts';
import type { CloudFormat } from './cloud-format.ts';
import { createVertexFormat } from './vertex/vertex-format.ts';

export { createCloudSide, type CloudGatewaySide, type CloudSideOptions } from './create-cloud-side.ts';

/** The formats of the clouds that are configured. */
export function cloudFormats({ bedrock, vertex }: GatewayConfig): Readonly<Partial<Record<CloudSide, CloudFormat>>> {
  return {
    ...(bedrock === undefined ? {} : { bedrock: createBedrockFormat(bedrock) }),
    ...(vertex === undefined ? {} : { vertex: createVertexFormat(vertex) }),
  };
}
