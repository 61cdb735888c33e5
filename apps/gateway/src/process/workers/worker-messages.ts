import type { GroupNote } from '@penstock/upstream-group';
import type { AdminAnswer, AdminRequest } from '../../access/admin/admin-exchange.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { WorkerShare } from '../../config/worker-share.ts';
import type { LogStyle } from '../../observe/log/create-logger.ts';
import type { HealthPart } from '../../pipe/health-part.ts';
import type { PartConditions } from '../../observe/causes.ts';
import type { StatusPart } from '../../observe/status/status-part.ts';
import type { StatusQuery } from '../../observe/status/status-query.ts';
import type { Successes, UpstreamSnapshot } from '../../observe/upstreams/upstream-snapshot.ts';
import type { StateAnswer, StateQuestion } from '../../state/primary-database.ts';
import type { TracingSettings } from '../../observe/trace/read-tracing-settings.ts';

/** What a worker noted of several upstreams, passed on by the primary to all others. */
export interface RoutingNotes {
  readonly type: 'routing';
  readonly notes: readonly GroupNote[];
}

/** A message of the primary to a worker. The configuration travels here: never in arguments or the environment, where others can read it. */
export type PrimaryMessage =
  | { readonly type: 'start'; readonly config: GatewayConfig; readonly share: WorkerShare; readonly version: string; readonly viaPseudonym: string; readonly logStyle: LogStyle; readonly tracing: TracingSettings | undefined }
  | { readonly type: 'update'; readonly config: GatewayConfig }
  | { readonly type: 'scrape'; readonly scrape: number }
  | { readonly type: 'status'; readonly question: number; readonly query: StatusQuery }
  /** The health of the other workers, and when each upstream answered one of them with a success (Unix milliseconds, by name), every few seconds. */
  | { readonly type: 'other_health'; readonly parts: readonly HealthPart[]; readonly successes: Successes }
  | { readonly type: 'administer'; readonly question: number; readonly request: AdminRequest }
  /** What other workers noted of upstreams and moved sessions. */
  | RoutingNotes
  /** Asks for all that a new worker has to know of them. */
  | { readonly type: 'all_notes'; readonly question: number }
  | { readonly type: 'reopen_log' }
  | { readonly type: 'drain' }
  | StateAnswer
  /** Its successor listens already. */
  | { readonly type: 'replaced' }
  | { readonly type: 'close' };

/** A message of a worker to the primary. `scrape` repeats the number of the request; 0 for the unrequested last snapshot. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'failed'; readonly message: string }
  /** A defect was met: it takes no new connections, and ends with its last response. */
  | { readonly type: 'broken' }
  /** The answer to a question of the same number. */
  | { readonly type: 'status'; readonly question: number; readonly part: StatusPart }
  | { readonly type: 'administered'; readonly question: number; readonly answer: AdminAnswer }
  | RoutingNotes
  | { readonly type: 'all_notes'; readonly question: number; readonly notes: readonly GroupNote[] }
  | StateQuestion
  | { readonly type: 'metrics'; readonly scrape: number; readonly text: string; readonly conditions: PartConditions; readonly upstreams: readonly UpstreamSnapshot[]; readonly health: HealthPart | undefined };
