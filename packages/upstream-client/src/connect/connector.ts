import { isIP, type Socket } from 'node:net';
import { getCACertificates, TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import type { TlsOptions } from '../options.ts';

/** A connection attempt that can be given up; its callback is then never called. */
export interface ConnectAttempt {
  cancel(): void;
}

/** How a connection attempt ended. */
export type ConnectCallback = (error: Error | null, socket: Socket | undefined) => void;

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
}

/** The host of a URL as sockets want it: IPv6 without its brackets. */
export function socketHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

function certificateAuthorities(ca: NonNullable<TlsOptions['ca']>): (string | Buffer)[] {
  const added = (typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca) as readonly (string | Uint8Array)[];
  return [...getCACertificates('default'), ...added.map((one) => (typeof one === 'string' ? one : Buffer.from(one)))];
}

/** The TLS settings of every connection, `rejectUnauthorized` spelled out so that no environment variable can switch it off. */
export function tlsConnectOptions(tls: TlsOptions, servername: string | undefined): buildConnector.BuildOptions {
  return {
    rejectUnauthorized: true,
    minVersion: tls.minVersion ?? 'TLSv1.2',
    ...(servername === undefined ? {} : { servername }),
    ...(tls.ca === undefined ? {} : { ca: certificateAuthorities(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert as Buffer }),
    ...(tls.key === undefined ? {} : { key: tls.key as Buffer }),
  };
}

/** Makes the connector of one origin: one shared TLS session cache, an own clock per attempt, every attempt cancellable. */
export function createConnector({ origin, tls, allowH2 }: ConnectorOptions): Connector {
  const hostname = socketHost(origin);
  const servername = tls.servername ?? (isIP(hostname) === 0 ? hostname : undefined);
  const secure = origin.protocol === 'https:';
  const connect = buildConnector({ ...(secure ? tlsConnectOptions(tls, servername) : {}), allowH2, timeout: 0 } as buildConnector.BuildOptions);
  // undici caches sessions weakly; this keeps the newest one alive across garbage collections.
  const newestSession: { held?: Buffer } = {};
  const target = { hostname, host: origin.host, protocol: origin.protocol, port: origin.port, ...(servername === undefined ? {} : { servername }) };
  return (timeoutMs, callback) => {
    let settled = false;
    const settle = (error: Error | null, socket: Socket | null): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      callback(error, socket ?? undefined);
    };
    // The declared type says void, but the function returns the socket, which is the only way to give an attempt up.
    const socket = connect(target, (error, connected) => { settle(error, connected); }) as unknown as Socket;
    const timer = setTimeout(() => { socket.destroy(new ConnectTimeout(`no connection within ${timeoutMs} ms`)); }, timeoutMs);
    if (socket instanceof TLSSocket) socket.on('session', (session) => { newestSession.held = session; });
    return {
      cancel: () => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        socket.destroy();
      },
    };
  };
}
