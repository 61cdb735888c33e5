import { setImmediate as nextTurn } from 'node:timers/promises';
import type { UpstreamStats } from '@penstock/upstream-client';
import type { Side } from '../../request/request-record.ts';
import type { UpstreamSnapshot } from '../upstreams/upstream-snapshot.ts';
import { ACTIVITY_STEP_MS } from './activity.ts';
import type { Quota } from './quota.ts';
import { createRecentRequests, type RecentRequests } from './recent-requests.ts';
import { selectOpen, type ListedRequest } from './select-open.ts';
import type { StatusPart, UpstreamPart } from './status-part.ts';
import type { StatusQuery } from './status-query.ts';

/** An upstream with its pool. */
export interface StatusUpstreamSource {
  readonly name: string;
  readonly side: Side;
  readonly stats: () => UpstreamStats;
}

/** What one process can read of itself. */
export interface StatusSourceOptions {
  readonly openRequests: () => readonly ListedRequest[];
  readonly openCount: () => number;
  readonly upstreams: () => readonly StatusUpstreamSource[];
  readonly states: () => readonly UpstreamSnapshot[];
  readonly quotas: () => readonly Quota[];
}

/** The status of one process. */
export interface StatusSource {
  /** Records finished requests. */
  readonly recent: RecentRequests;
  read(query: StatusQuery): Promise<StatusPart>;
  close(): void;
}

/** Makes the status of one process. Beside what `recent` counts, it samples two numbers every 10 seconds; all else is read when it is asked for. */
export function createStatusSource({ openRequests, openCount, upstreams, states, quotas }: StatusSourceOptions): StatusSource {
  const recent = createRecentRequests();
  const noteLoad = (): void => { recent.noteLoad(openCount(), upstreams().reduce((sum, { stats }) => sum + stats().waiting, 0)); };
  const timer = setInterval(noteLoad, ACTIVITY_STEP_MS).unref();
  return {
    recent,
    async read(query) {
      const open = await selectOpen(openRequests(), query);
      // What follows is small, yet it comes on top of the last slice.
      await nextTurn();
      noteLoad();
      return { open, upstreams: upstreams().map(describePool), states: states(), quotas: quotas(), ...recent.read() };
    },
    close: () => { clearInterval(timer); },
  };
}

function describePool({ name, side, stats }: StatusUpstreamSource): UpstreamPart {
  const { maxConnections, open, active, idle, connecting, waiting, maxWaiting, longLived, maxLongLived, clients } = stats();
  return { name, side, maxConnections, open, active, idle, connecting, waiting, maxWaiting, longLived, maxLongLived, clients };
}
