import { isIP, Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { buildConnector } from '../undici/undici-parts.ts';
import type { TlsOptions } from '../options.ts';
import { errorCode, thrownError } from '../thrown.ts';
import { UpstreamOptionError } from '../upstream-option-error.ts';
import { sharedReads } from '../node/shared-reads.ts';
import { measureRoundTrip } from './round-trip.ts';
import { openTunnel } from './proxy-tunnel.ts';
import { tlsConnectOptions } from './tls-connect-options.ts';

/** A connection attempt that can be given up; its callback is then never called. */
export interface ConnectAttempt {
  cancel(): void;
}

/** How a connection attempt ended; `roundTripMs` is one round trip to the origin, absent where none was measured. */
export type ConnectCallback = (error: Error | null, socket: Socket | undefined, roundTripMs?: number) => void;

/** Makes connections to one origin; the callback is never called synchronously and at most once. */
export type Connector = (timeoutMs: number, callback: ConnectCallback) => ConnectAttempt;

/** Marks our own connect clock among the errors of a socket. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
}

/** What `createConnector` needs to know. */
export interface ConnectorOptions {
  readonly origin: URL;
  readonly tls: TlsOptions;
  readonly allowH2: boolean;
  readonly proxy: URL | undefined;
  /** Reads as Node does where nothing else is asked for. */
  readonly isPlain: boolean;
}

/** The host of a URL as sockets want it: IPv6 without its brackets. */
export function socketHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** The name to ask for and to verify: fixed by configuration, absent for an IP address (RFC 6066 section 3). */
export function fixedServername(origin: URL, tls: TlsOptions): string | undefined {
  if (origin.protocol !== 'https:') return undefined;
  const hostname = socketHost(origin);
  return tls.servername ?? (isIP(hostname) === 0 ? hostname : undefined);
}

/** The declared type of undici's connector says void, but it returns the socket, which is the only way to give an attempt up. */
function socketOf(returned: unknown): Socket {
  if (returned instanceof Socket) return returned;
  throw new TypeError('the connector of undici must return its socket');
}

function createContext(tls: TlsOptions): SecureContext {
  try {
    return createSecureContext(tlsConnectOptions(tls, undefined));
  } catch (error) {
    throw new UpstreamOptionError('invalid_option', `tls must hold PEM certificates and keys that belong together, received ones that do not work (${errorCode(error)})`, error);
  }
}

type Dial = (httpSocket: Socket | undefined, callback: ConnectCallback) => Socket;

/** One undici connector, and with it one TLS session cache, for all connections to an origin. */
function createDial({ origin, tls, allowH2, isPlain }: ConnectorOptions): Dial {
  const servername = fixedServername(origin, tls);
  // Made once: parsing the system's authorities for every connection would cost milliseconds, and a bad PEM shows now.
  const settings = origin.protocol === 'https:' ? { ...tlsConnectOptions(tls, servername), secureContext: createContext(tls) } : {};
  // undici's own clock has a resolution of half a second and cannot be read; `createConnector` has one.
  // HTTP/2 reads beneath the stream.
  const connect = buildConnector({ ...settings, ...(isPlain || allowH2 ? {} : { onread: sharedReads() }), allowH2, timeout: 0 });
  // undici caches sessions weakly; this keeps the newest one alive across garbage collections.
  const newestSession: { held?: Buffer } = {};
  const target = {
    hostname: socketHost(origin), host: origin.host, protocol: origin.protocol, port: origin.port,
    ...(servername === undefined ? {} : { servername }),
  };
  return (httpSocket, callback) => {
    const socket = socketOf(connect(httpSocket === undefined ? target : { ...target, httpSocket }, (error, connected) => { callback(error, connected ?? undefined, roundTrip?.ms); }));
    const roundTrip = httpSocket === undefined ? measureRoundTrip(socket) : undefined;
    if (socket instanceof TLSSocket) socket.on('session', (session) => { newestSession.held = session; });
    return socket;
  };
}

/** Makes the connector of one origin: a shared TLS session cache, an own clock per attempt, every attempt cancellable. */
export function createConnector(options: ConnectorOptions): Connector {
  const { origin, proxy, tls } = options;
  const dial = createDial(options);
  const isSecure = origin.protocol === 'https:';
  const authority = `${origin.hostname}:${origin.port === '' ? (isSecure ? 443 : 80) : origin.port}`;
  return (timeoutMs, callback) => {
    let settled = false;
    let stage: { destroy(error?: Error): void } | undefined;
    const settle: ConnectCallback = (error, socket, roundTripMs) => {
      if (settled) { socket?.destroy(); return; }
      settled = true;
      clearTimeout(timer);
      callback(error, socket, roundTripMs);
    };
    const timer = setTimeout(() => {
      settle(new ConnectTimeout(`no connection within ${timeoutMs} ms`), undefined);
      stage?.destroy();
    }, timeoutMs);
    const begin = (tunnel?: Socket): void => {
      try {
        stage = dial(tunnel, settle);
      } catch (error) {
        queueMicrotask(() => { settle(thrownError(error), undefined); });
      }
    };
    if (proxy === undefined) {
      begin();
    } else {
      stage = openTunnel(proxy, authority, tls, (error, tunnel) => {
        if (settled || tunnel === undefined || !isSecure) settle(error, tunnel);
        else begin(tunnel);
      });
    }
    return {
      cancel: () => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        stage?.destroy();
      },
    };
  };
}
