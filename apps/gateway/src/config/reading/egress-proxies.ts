import { proxyFromEnvironment } from '@penstock/upstream-client';
import { configuredClouds } from '../configured-clouds.ts';
import { frontDoorBackends } from '../front-door-backends.ts';
import { valueProblem, type ConfigProblem } from '../config-error.ts';
import type { GatewayConfig } from '../gateway-config.ts';
import type { Environment } from './overrides.ts';

/**
 * The proxy that the environment names for a URL, as people write it: user info and all, without the slash that a URL always has.
 *
 * @throws UpstreamOptionError whose message begins with the variable that is not usable
 */
export function environmentProxy(environment: Environment, target: string): string | undefined {
  return proxyFromEnvironment(environment, target)?.href.replace(/\/$/, '');
}

/** Fills in the egress proxy that the environment names wherever the configuration names none. None leads to the simulator. */
export function withEgressProxies(config: GatewayConfig, environment: Environment, simulate: boolean): { config: GatewayConfig; problems: ConfigProblem[] } {
  const native = config.anthropic_native;
  const problems: ConfigProblem[] = [];
  const proxyOf = (given: string | undefined, target: string | undefined): string | undefined => {
    if (given !== undefined || target === undefined || URL.parse(target) === null) return given;
    try {
      return environmentProxy(environment, target);
    } catch (error) {
      // Its message begins with the variable; one is one problem, however many upstreams it is for.
      const [variable = ''] = (error as Error).message.split(' ');
      if (problems.every(({ path }) => path !== variable)) problems.push(valueProblem(variable, 'an http:// or https:// URL', 'something else'));
      return undefined;
    }
  };
  const effective = frontDoorBackends(config);
  const backends = config.openai_front_door.backends.map((backend, index) => ({ ...backend, proxy: proxyOf(backend.proxy, effective[index]?.base_url) }));
  const found = simulate || native.upstreams.length > 0 ? native.proxy : proxyOf(native.proxy, native.base_url);
  const upstreams = native.upstreams.map((upstream) => ({ ...upstream, proxy: simulate ? undefined : proxyOf(upstream.proxy ?? native.proxy, upstream.base_url) }));
  const issuers = config.identity.issuers.map((issuer) => ({ ...issuer, proxy: proxyOf(issuer.proxy, issuer.jwks_uri ?? issuer.issuer) }));
  const { sign_in: signIn } = config.identity;
  const signInThrough = signIn === undefined ? {} : { sign_in: { ...signIn, oidc: { ...signIn.oidc, proxy: proxyOf(signIn.oidc.proxy, signIn.oidc.issuer) } } };
  const collectors = config.telemetry.forward_to.map((collector) => ({ ...collector, proxy: proxyOf(collector.proxy, collector.url) }));
  const clouds = Object.fromEntries(configuredClouds(config).map(({ name, config: cloud, baseUrl }) => [name, { ...cloud, proxy: proxyOf(cloud.proxy, baseUrl) }]));
  return {
    config: {
      ...config, anthropic_native: { ...native, proxy: found, upstreams }, openai_front_door: { ...config.openai_front_door, backends },
      identity: { ...config.identity, issuers, ...signInThrough }, telemetry: { ...config.telemetry, forward_to: collectors }, ...clouds,
    },
    problems,
  };
}
