import type { CloudSide } from './config/configured-clouds.ts';
import { servesNative } from './config/native-upstreams.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import type { CloudModule, Sides } from './create-sides.ts';
import type { ApplicationOptions, MountedSide } from './http/create-application.ts';
import type { Refusal } from './http/refusal.ts';
import { handleWithoutNativeSide } from './native/absent-native-side.ts';
import type { ReadBudgets } from './observe/metrics/declare-gateway-metrics.ts';
import { UNMATCHED_ROUTES, type Side } from './request/request-record.ts';

/** The route templates of the clouds that are configured. */
export type CloudRoutes = Readonly<Partial<Record<CloudSide, readonly string[]>>>;

const CLOUDS: readonly CloudSide[] = ['bedrock', 'vertex'];

/** Loads what serves clouds in their own formats, where one is configured. */
export async function loadClouds({ bedrock, vertex }: GatewayConfig): Promise<CloudModule | undefined> {
  return bedrock === undefined && vertex === undefined ? undefined : import('./clouds/create-cloud-sides.ts');
}

/** Whether a side is one that is not configured: its requests belong to no side. */
export function isOff(config: GatewayConfig, side: Side): boolean {
  if (side === 'native') return !servesNative(config);
  return (side === 'bedrock' || side === 'vertex') && config[side] === undefined;
}

/** The routes of the clouds' sides, as metrics name them. */
export function cloudRoutes(config: GatewayConfig, clouds: CloudModule | undefined): CloudRoutes {
  const formats = Object.values(clouds?.cloudFormats(config) ?? {});
  return Object.fromEntries(formats.map(({ side, routes }) => [side, [...routes.map(({ template }) => template), UNMATCHED_ROUTES[side]]]));
}

/** What answers for the clouds. */
export function mountClouds(config: GatewayConfig, { clouds }: Sides): ApplicationOptions['clouds'] {
  const [bedrock, vertex] = CLOUDS.map((name): MountedSide | Refusal => {
    const side = clouds.find((cloud) => cloud.name === name);
    return side === undefined ? describeAbsentCloud(config, name) : { handle: (_context, inbound) => side.handle(inbound) };
  });
  return { bedrock, vertex } as ApplicationOptions['clouds'];
}

function describeAbsentCloud(config: GatewayConfig, name: CloudSide): Refusal {
  return isOff(config, name)
    ? { code: 'not_found', message: `Not found: this format is switched off at this gateway. The section "${name}" of its configuration switches it on.` }
    : { code: 'internal', message: 'This side of the gateway could not be started; its log has the reason.' };
}

/** Reads what is taken of the memory for request bodies, by side. */
export function readBudgets({ anthropic_native: nativeConfig, openai_front_door: frontDoorConfig }: GatewayConfig, { native, frontDoor, clouds }: Sides): ReturnType<ReadBudgets> {
  return {
    ...(native === undefined ? {} : { native: { usedBytes: native.bufferedBytes(), maxBytes: nativeConfig.max_buffered_bytes } }),
    ...(frontDoor === undefined ? {} : { front_door: { usedBytes: frontDoor.bufferedBytes(), maxBytes: frontDoorConfig.max_buffered_bytes } }),
    ...Object.fromEntries(clouds.map((cloud) => [cloud.name, cloud.bufferedBytes()])),
  };
}

/** The native side, or what answers in its place. */
export function mountNative(config: GatewayConfig, { native }: Sides): ApplicationOptions['native'] {
  if (!servesNative(config)) return { code: 'not_found', message: 'Not found: the Anthropic API is switched off at this gateway, which has no credential for it. anthropic_native.api_key or anthropic_native.upstreams of its configuration switches it on.' };
  return { handle: (_context, inbound) => (native === undefined ? handleWithoutNativeSide(inbound) : native.handle(inbound)) };
}

/** The answer for clients of a front door that is absent. */
export function describeAbsentFrontDoor(config: GatewayConfig): Refusal {
  return config.openai_front_door.enabled
    ? { code: 'internal', message: 'The OpenAI front door could not be started; the log of the gateway has the reason.' }
    : { code: 'not_found', message: 'Not found: the OpenAI front door is switched off. openai_front_door.enabled switches it on.' };
}
