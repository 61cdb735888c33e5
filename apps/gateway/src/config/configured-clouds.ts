import type { BedrockConfig, CloudConfig, VertexConfig } from './sections/cloud-sections.ts';
import type { GatewayConfig } from './gateway-config.ts';

/** A side for a cloud's own format. */
export type CloudSide = 'bedrock' | 'vertex';

/** One cloud of a configuration; its name is its side's, in metrics and in the file. */
export interface ConfiguredCloud {
  readonly name: CloudSide;
  readonly config: CloudConfig;
  /** With its default filled in. */
  readonly baseUrl: string;
  /** The region or location. */
  readonly region: string;
}

/** The clouds that are configured; none by default. */
export function configuredClouds({ bedrock, vertex }: Pick<GatewayConfig, 'bedrock' | 'vertex'>): readonly ConfiguredCloud[] {
  return [
    ...(bedrock === undefined ? [] : [{ name: 'bedrock' as const, config: bedrock, baseUrl: bedrockBaseUrl(bedrock), region: bedrock.region }]),
    ...(vertex === undefined ? [] : [{ name: 'vertex' as const, config: vertex, baseUrl: vertexBaseUrl(vertex), region: vertex.location }]),
  ];
}

/** Where requests to Bedrock go (https://docs.aws.amazon.com/general/latest/gr/bedrock.html). */
function bedrockBaseUrl({ base_url: base, region }: BedrockConfig): string {
  return base ?? `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** Where requests to Vertex AI go (https://cloud.google.com/vertex-ai/docs/reference/rest#rest_endpoints). */
function vertexBaseUrl({ base_url: base, location }: VertexConfig): string {
  if (base !== undefined) return base;
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  return location.includes('-') ? `https://${location}-aiplatform.googleapis.com` : `https://aiplatform.${location}.rep.googleapis.com`;
}
