import type { GatewayConfig } from './gateway-config.ts';

/** The hosts under which clients reach the gateway: those that are listed, and the one that people sign in at. */
export function allowedHostsOf({ server, identity }: Pick<GatewayConfig, 'server' | 'identity'>): readonly string[] {
  const { sign_in: signIn } = identity;
  if (signIn === undefined) return server.allowed_hosts;
  // With its port as well: the check takes a host with or without one.
  const { host, hostname } = new URL(signIn.public_url);
  return [...new Set([...server.allowed_hosts, hostname, host])];
}
