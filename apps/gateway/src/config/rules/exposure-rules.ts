import { valueProblem } from '../config-error.ts';
import { frontDoorBackends } from '../front-door-backends.ts';
import { allowedHostsOf } from '../allowed-hosts.ts';
import { configuredClouds } from '../configured-clouds.ts';
import { isLoopbackHost, isWildcardHost, withoutBrackets } from '../loopback.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import { hasIdentity } from '../sections/identity-section.ts';
import { nativeUpstreams, ONLY_UPSTREAM, servesNative } from '../native-upstreams.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { GatewayConfig } from '../gateway-config.ts';
import type { CrossFieldRule, RuleContext } from './cross-field-rule.ts';

const anonymousOnlyOnLoopback: CrossFieldRule = {
  reads: ['server.host', 'clients', 'identity', 'anthropic_native.credentials', 'openai_front_door.enabled', 'openai_front_door.backends', 'bedrock', 'vertex'],
  check: (config) => {
    const { host } = config.server;
    if (isLoopbackHost(host) || config.clients.length > 0 || hasIdentity(config)) return [];
    const spender = servesNative(config) && config.anthropic_native.credentials === 'inject'
      ? 'anthropic_native.credentials is "inject"'
      : frontDoorBackends(config).some(({ api_key: key }) => key !== undefined)
        ? 'openai_front_door.backends have keys'
        : configuredClouds(config).map(({ name }) => `${name} has a credential`)[0];
    if (spender === undefined) return [];
    return [valueProblem(
      'server.host', 'a loopback address when there are no clients', nameReceived(host, false),
      `${spender}, so every caller that reaches the gateway would spend its key; add clients (penstock keys create NAME) or identity`,
    )];
  },
};

const allowedHostsOnOpenHosts: CrossFieldRule = {
  reads: ['server.host', 'server.allowed_hosts', 'identity.sign_in'],
  check: (config) => {
    const { server } = config;
    if (isLoopbackHost(server.host) || allowedHostsOf(config).length > 0) return [];
    return [valueProblem('server.allowed_hosts', 'given when server.host is not loopback', 'an empty list', 'name the hosts that clients use to reach the gateway')];
  },
};

const separateListeners: CrossFieldRule = {
  reads: ['server.host', 'server.port', 'operations.host', 'operations.port'],
  check: ({ server, operations }) => {
    if (server.port === 0 || server.port !== operations.port) return [];
    if (server.host !== operations.host && !isWildcardHost(server.host) && !isWildcardHost(operations.host)) return [];
    return [valueProblem('operations.port', `other than server.port (${server.port})`, String(operations.port))];
  },
};

/** A name in lower case and without the dot of the root, with or without a port. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/\.(?=$|:\d+$)/, '');
}

/** Whether a URL leads back to one of our own listeners, as far as the configuration can tell without DNS. */
function isOwnListener(url: URL, config: GatewayConfig, { localAddresses }: RuleContext): boolean {
  const { server, operations } = config;
  const host = plainName(withoutBrackets(url.hostname));
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const isLocal = isLoopbackHost(host) || isWildcardHost(host);
  for (const listener of [server, operations]) {
    if (listener.port === 0 || listener.port !== port) continue;
    if (host === plainName(listener.host)) return true;
    if (isLocal && (isLoopbackHost(listener.host) || isWildcardHost(listener.host))) return true;
    if (isWildcardHost(listener.host) && localAddresses.includes(host)) return true;
  }
  // Behind a load balancer our own name has another port than our listener.
  return !isLocal && allowedHostsOf(config).some((allowed) => plainName(allowed) === host || plainName(allowed) === `${host}:${port}`);
}

const neverItsOwnUpstream: CrossFieldRule = {
  reads: ['server', 'operations', 'identity.sign_in', 'anthropic_native.base_url', 'anthropic_native.upstreams', 'openai_front_door.backends', 'bedrock', 'vertex'],
  check: (config, context) => {
    const upstreams = [
      ...nativeUpstreams(config).map(({ name, base_url: base }, index) => ({
        at: name === ONLY_UPSTREAM ? 'anthropic_native.base_url' : `anthropic_native.upstreams[${index}].base_url`, base: context.simulate ? undefined : base,
      })),
      ...config.openai_front_door.backends.map((backend, index) => ({ at: `openai_front_door.backends[${index}].base_url`, base: backend.base_url })),
      ...configuredClouds(config).map(({ name, baseUrl }) => ({ at: `${name}.base_url`, base: baseUrl })),
    ];
    return upstreams.flatMap(({ at, base }): ConfigProblem[] => {
      if (base === undefined || !isOwnListener(new URL(base), config, context)) return [];
      return [valueProblem(
        at, 'another server than this gateway', nameReceived(base, false),
        'ANTHROPIC_BASE_URL is also what clients export to reach a gateway; unset it where the gateway starts',
      )];
    });
  },
};

/** Who can reach the gateway, and that it does not reach itself. */
export const exposureRules: readonly CrossFieldRule[] = [anonymousOnlyOnLoopback, allowedHostsOnOpenHosts, separateListeners, neverItsOwnUpstream];
