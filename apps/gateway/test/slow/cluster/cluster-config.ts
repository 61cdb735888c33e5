import { createHash } from 'node:crypto';

/** A client of the cluster. */
export interface ClusterClient {
  readonly name: string;
  readonly key: string;
  readonly limits: Readonly<Record<string, number>>;
}

/** Each host has addresses of its own, so the ports are the ones people use. */
export const [PORT, OPERATIONS_PORT, BALANCER_PORT, UPSTREAM_PORT] = [8_000, 9_464, 80, 9_000] as const;
/** Longer than the balancer needs to notice that a replica is not ready, on a busy machine as well. */
export const PRE_STOP_DELAY_SECONDS = 3;

interface Addresses {
  readonly balancer: string;
  readonly redis: string;
  readonly upstream: string;
  readonly clients: readonly ClusterClient[];
}

/** The configuration that all replicas share. */
export function replicaConfig({ balancer, redis, upstream, clients }: Addresses): string {
  return JSON.stringify({
    server: { host: '0.0.0.0', port: PORT, allowed_hosts: [balancer], trusted_proxies: [balancer], pre_stop_delay: PRE_STOP_DELAY_SECONDS, drain_timeout: 60 },
    operations: { host: '0.0.0.0', port: OPERATIONS_PORT },
    openai_front_door: { enabled: false },
    // Closed: a replica that does not reach the store refuses, so that a limit never holds by luck.
    limits: { store: `redis://${redis}:6379`, on_store_failure: 'closed' },
    clients: clients.map(({ name, key, limits }) => ({ name, key_sha256: createHash('sha256').update(key).digest('hex'), limits })),
    anthropic_native: { base_url: `http://${upstream}:${UPSTREAM_PORT}`, allow_insecure_base_url: true },
  });
}

/** A balancer that tries no request a second time: whatever a replica refuses or breaks, the client sees. */
export function balancerConfig(replicas: readonly string[]): string {
  const servers = replicas.map((address, index) => `  server replica${index + 1} ${address}:${PORT} check port ${OPERATIONS_PORT} inter 200ms fall 1 rise 1`);
  return `global
  maxconn 1000
defaults
  mode http
  timeout connect 30s
  # A check that a busy machine answers late is no failure; a 503 of /readyz is.
  timeout check 30s
  timeout client 600s
  timeout server 600s
  retries 0
frontend gateway
  bind :${BALANCER_PORT}
  default_backend replicas
backend replicas
  balance leastconn
  option httpchk
  # Without this the check is HTTP/1.0 without Host, which the operations listener refuses.
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
${servers.join('\n')}
`;
}
