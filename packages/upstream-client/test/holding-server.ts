import type { ServerResponse } from 'node:http';
import { startLocalServer, type LocalServer } from './local-server.ts';

/** A server that answers only when told to. */
export interface HoldingServer extends LocalServer {
  /** Requests that wait for their answer, the oldest first. */
  readonly held: ServerResponse[];
  /** The paths of all requests, in the order in which they came. */
  readonly paths: readonly string[];
  /** Answers the oldest. */
  answer(): void;
  /** Resolves when so many requests have come in all. */
  arrived(count: number): Promise<void>;
}

/** Starts it. */
export async function startHolding(): Promise<HoldingServer> {
  const held: ServerResponse[] = [];
  const paths: string[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = await startLocalServer((inbound, response) => {
    inbound.resume().once('end', () => {
      held.push(response);
      paths.push(inbound.url ?? '');
      for (const one of waiting) if (paths.length >= one.count) one.resolve();
    });
  });
  return {
    ...server,
    held,
    paths,
    answer: () => { held.shift()?.end('ok'); },
    arrived: (count) => new Promise((resolve) => {
      if (paths.length >= count) resolve();
      else waiting.push({ count, resolve });
    }),
  };
}
