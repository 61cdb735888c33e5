import { frontDoorBackends } from '../front-door-backends.ts';
import { findBudgetWarnings } from './budget-warnings.ts';
import { findKeyWarnings } from './key-warnings.ts';
import { findIdentityWarnings } from './identity-warnings.ts';
import { hasIdentity } from '../sections/identity-section.ts';
import { isLoopbackHost } from '../loopback.ts';
import { servesNative } from '../native-upstreams.ts';
import { resolveWorkerCount } from '../worker-share.ts';
import { serviceLinks, type Environment } from '../reading/overrides.ts';
import { FRONT_DOOR_GROUPS, ROUTE_GROUPS } from '../sections/route-groups.ts';
import type { GatewayConfig } from '../gateway-config.ts';

/** Bytes of the largest JSON body that the API takes. */
const LARGEST_BODY_BYTES = 32 * 1024 * 1024;

/** What the configuration itself does not show. */
export interface WarningContext {
  /** @defaultValue false */
  readonly simulate?: boolean;
  /** Whether the file sizes the pool of the native side. @defaultValue true */
  readonly hasOwnPool?: boolean;
}

/** Things that work but are probably not meant. */
export function findWarnings(config: GatewayConfig, environment: Environment, { simulate = false, hasOwnPool = true }: WarningContext = {}): string[] {
  const { anthropic_native: native, openai_front_door: frontDoor, clients, server } = config;
  const warnings: string[] = [];
  if (servesNative(config) && !hasOwnPool && (clients.length > 1 || hasIdentity(config))) {
    warnings.push(`anthropic_native.pool.max_connections is ${native.pool.max_connections} by default: one open stream holds one connection, and a dozen agents hold that many. docs/sizing.md sizes it for a team`);
  }
  if (native.credentials === 'forward' && native.api_key !== undefined) {
    warnings.push('anthropic_native.api_key is not used while anthropic_native.credentials is "forward"');
  }
  if (frontDoor.enabled && frontDoorBackends(config).length === 0) {
    warnings.push(`the OpenAI front door has no backend: ${whyWithoutBackend(config)}, or openai_front_door.enabled false`);
  }
  if (native.credentials === 'forward' && clients.length === 0 && !isLoopbackHost(server.host)) {
    warnings.push('without clients, every caller that reaches the gateway can pass requests with an Anthropic credential of its own');
  }
  if (native.allow_insecure_base_url && native.base_url.startsWith('http:')) {
    warnings.push('anthropic_native.base_url is not encrypted: keys and prompts can be read on the way');
  }
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    warnings.push('NODE_TLS_REJECT_UNAUTHORIZED=0 has no effect: certificates are always verified; a private authority is added with anthropic_native.ca');
  }
  for (const variable of serviceLinks(environment)) {
    warnings.push(`${variable} is ignored: it is the address of a service, which Kubernetes sets for each one unless the pod has enableServiceLinks: false`);
  }
  const workers = resolveWorkerCount(config);
  for (const [side, { max_buffered_bytes: maxBytes }] of Object.entries({ anthropic_native: native, openai_front_door: frontDoor })) {
    const largestBytes = Math.floor(maxBytes / workers);
    if (largestBytes >= LARGEST_BODY_BYTES) continue;
    warnings.push(`${side}.max_buffered_bytes leaves each of ${workers} worker(s) ${largestBytes} bytes: larger request bodies, which the API takes up to ${LARGEST_BODY_BYTES}, are always refused`);
  }
  for (const client of clients) {
    for (const [side, known, served] of [['anthropic_native', ROUTE_GROUPS, native.route_groups], ['openai_front_door', FRONT_DOOR_GROUPS, frontDoor.route_groups]] as const) {
      const off = (client.routes ?? []).filter((route) => (known as readonly string[]).includes(route) && !(served as readonly string[]).includes(route));
      if (off.length > 0) warnings.push(`client ${client.name} names routes that ${side}.route_groups does not serve: ${off.join(', ')}`);
    }
  }
  return [...warnings, ...findKeyWarnings(config, simulate), ...findIdentityWarnings(config), ...findBudgetWarnings(config)];
}

/** Why the front door has no copy of the native key, and what it needs instead. */
function whyWithoutBackend(config: GatewayConfig): string {
  if (!servesNative(config)) return 'there is no anthropic_native.api_key, whose copy it would have; it needs openai_front_door.backends';
  if (config.anthropic_native.upstreams.length > 0) return 'none of anthropic_native.upstreams has an api_key and names models as clients do; it needs openai_front_door.backends';
  return 'with anthropic_native.credentials "forward" it needs openai_front_door.backends with a key of their own';
}
