import { createHash } from 'node:crypto';
import { createServer as createTlsServer } from 'node:tls';
import { freePort, startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import { HAS_REDIS, startRedis } from '../access/limits/redis-server.ts';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { ALICE, ask, BOB, CAROL } from './fault-requests.ts';
import { startFaultUpstream, type FaultUpstream } from './fault-upstream.ts';
import { HAS_OPENSSL, makeCertificate } from './test-certificate.ts';

/** The surroundings of a gateway: what stands behind it and beside it. */
export const WORLD_KINDS = [
  'plain', 'patient', 'events', 'proxied', 'tls', 'untrusted', 'wrong_name', 'expired', 'refused', 'silent', 'dripping', 'plaintext', 'closing', 'unresolvable',
  'inbound_tls', 'redis_open', 'redis_closed', 'redis_unresolvable', 'redis_tls',
] as const;

/** One of `WORLD_KINDS`. */
export type WorldKind = (typeof WORLD_KINDS)[number];

/** A gateway with what it needs for a scenario. */
export interface FaultWorld {
  readonly kind: WorldKind;
  readonly gateway: TestGateway;
  readonly port: number;
  readonly upstream: FaultUpstream;
  /** Between gateway and upstream, or gateway and Redis; absent in worlds without. */
  readonly proxy: FaultProxy | undefined;
  /** What a plain request comes to in this world; `|` separates what is equally right. */
  readonly next: string;
  /** Takes all slots with streams of another client; resolves when they are taken. */
  takeSlots(): Promise<{ release(): Promise<void> }>;
  close(): Promise<void>;
}

/** Slots of the pool in every world. */
export const SLOTS = 2;

const hash = (key: string): string => createHash('sha256').update(key).digest('hex');
const ROUTES = ['messages', 'models', 'batches', 'files'];
/** Alice may have one request open, Bob any number, and Carol may ask once a minute. */
export const CLIENTS: readonly Readonly<Record<string, unknown>>[] = [
  { name: 'alice', key_sha256: hash(ALICE), routes: ROUTES, limits: { concurrent_requests: 1 } },
  { name: 'bob', key_sha256: hash(BOB), routes: ROUTES },
  { name: 'carol', key_sha256: hash(CAROL), routes: ROUTES, limits: { requests_per_minute: 1 } },
];
/** Seconds: short enough to wait for, long enough for a machine that has other things to do. */
const CLOCKS = { slot_wait: 1.2, connect: 1.2, write_stall: 1.2, quick_headers: 1.5, stream_headers: 1.2, message_headers: 1.2, idle: 1.2, client_stall: 1.2 };
/** Inbound clocks that are short enough to wait for. */
const INBOUND = { headersTimeoutMs: 1_500, connectionsCheckingIntervalMs: 50, bodyStepTimeoutMs: 1_500, lingerIdleMs: 100, lingerMs: 1_000 };

/** Why a world cannot be made on this machine; `undefined` when it can. */
export function whyMissing(kind: WorldKind): string | undefined {
  if (kind.startsWith('redis') && !HAS_REDIS) return 'there is no redis-server on this machine';
  if (['tls', 'untrusted', 'wrong_name', 'expired', 'inbound_tls'].includes(kind) && !HAS_OPENSSL) return 'there is no openssl on this machine';
  return undefined;
}

interface Surroundings {
  readonly upstream?: FaultUpstream;
  readonly origin?: string;
  readonly proxy?: FaultProxy;
  readonly native?: Readonly<Record<string, unknown>>;
  readonly rest?: ConfigDocument;
  readonly next?: string;
  readonly close?: () => Promise<void>;
}

async function behindTls(subjectAltName: string, { isExpired = false, isTrusted = true } = {}): Promise<Surroundings> {
  const certificate = makeCertificate(subjectAltName, { isExpired });
  const upstream = await startFaultUpstream(createTlsServer(certificate));
  return { upstream, native: isTrusted ? { ca: certificate.cert } : {}, next: '502 upstream_tls' };
}

async function behindProxy({ upstream, native }: { readonly upstream: FaultUpstream; readonly native?: Surroundings['native'] }): Promise<Surroundings> {
  const proxy = await startFaultProxy(upstream.port);
  return { upstream, proxy, origin: upstream.origin.replace(String(upstream.port), String(proxy.port)), ...(native === undefined ? {} : { native }) };
}

/** An origin that accepts connections and speaks no TLS. */
async function withoutTls(script: Parameters<typeof startScriptedUpstream>[0], next: string): Promise<Surroundings> {
  const listener: ScriptedUpstream = await startScriptedUpstream(script);
  return { origin: listener.origin.replace('http:', 'https:'), next, close: () => listener.close() };
}

async function besideRedis(policy: string, storeOf = (port: number): string => `redis://127.0.0.1:${port}`): Promise<Surroundings> {
  const redis = await startRedis();
  const proxy = await startFaultProxy(Number(new URL(redis.url).port));
  return { proxy, rest: { limits: { store: storeOf(proxy.port), on_store_failure: policy } }, close: () => redis.kill() };
}

const SURROUNDINGS: Readonly<Record<WorldKind, () => Promise<Surroundings>>> = {
  plain: async () => ({}),
  patient: async () => ({ native: { timeouts: { ...CLOCKS, idle: 10, write_stall: 5, message_headers: 10 } } }),
  events: async () => ({ native: { broken_streams: 'event' } }),
  proxied: async () => behindProxy({ upstream: await startFaultUpstream() }),
  tls: async () => {
    const { upstream, native } = await behindTls('IP:127.0.0.1');
    return behindProxy({ upstream: upstream as FaultUpstream, native });
  },
  untrusted: () => behindTls('IP:127.0.0.1', { isTrusted: false }),
  wrong_name: () => behindTls('DNS:elsewhere.example'),
  expired: () => behindTls('IP:127.0.0.1', { isExpired: true }),
  refused: async () => ({ origin: `http://127.0.0.1:${await freePort()}`, next: '502 upstream_unreachable' }),
  silent: () => withoutTls(() => undefined, '504 upstream_timeout'),
  dripping: () => withoutTls((connection) => {
    const timer = setInterval(() => connection.send('\u0016'), 100);
    connection.socket.once('close', () => clearInterval(timer));
  }, '504 upstream_timeout|502 upstream_tls'),
  plaintext: () => withoutTls((connection) => connection.send('HTTP/1.1 400 Bad Request\r\n\r\n'), '502 upstream_tls'),
  closing: () => withoutTls((connection) => { connection.socket.end(); }, '502 upstream_unreachable|502 upstream_tls|502 upstream_reset'),
  unresolvable: async () => ({ origin: 'http://no-such-host.invalid', native: { allow_insecure_base_url: true }, next: '502 upstream_unreachable' }),
  inbound_tls: async () => ({ rest: { server: { tls: makeCertificate('IP:127.0.0.1') } }, next: 'closed' }),
  redis_open: () => besideRedis('open'),
  redis_closed: () => besideRedis('closed'),
  redis_unresolvable: () => besideRedis('open', () => 'redis://no-such-host.invalid:6379'),
  redis_tls: async () => ({ ...await besideRedis('closed', (port) => `rediss://127.0.0.1:${port}`), next: '429 overloaded|200 whole' }),
};

/** Makes a world. */
export async function startFaultWorld(kind: WorldKind): Promise<FaultWorld> {
  const { upstream = await startFaultUpstream(), origin = upstream.origin, proxy, native = {}, rest = {}, next = '200 whole', close } = await SURROUNDINGS[kind]();
  const gateway = await startTestGateway(origin, {
    clients: CLIENTS, openai_front_door: { enabled: false }, ...rest,
    anthropic_native: { timeouts: CLOCKS, pool: { max_connections: SLOTS, max_waiting: 2 }, max_buffered_bytes: 128 * 1024 * 1024, ...native },
  }, { inboundLimits: INBOUND });
  return {
    kind, gateway, port: gateway.port, upstream, proxy, next,
    takeSlots: () => takeSlots(gateway.port, upstream),
    async close() {
      await gateway.close();
      await proxy?.close();
      await upstream.close();
      await close?.();
    },
  };
}

async function takeSlots(port: number, upstream: FaultUpstream): Promise<{ release(): Promise<void> }> {
  const holders = await Promise.all(Array.from({ length: SLOTS }, async () => {
    const holder = await ask(port, { key: BOB, fault: 'held' });
    await holder.waitFor((bytes) => bytes.includes('message_start'));
    return holder;
  }));
  return {
    async release() {
      upstream.release();
      for (const holder of holders) {
        await holder.readMessage({ kind: 'response' });
        holder.close();
      }
    },
  };
}
