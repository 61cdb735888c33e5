import { describeStatus } from '../../../src/observe/status/describe-status.ts';
import { Activity } from '../../../src/observe/status/activity.ts';
import type { OpenPart, OpenRow, StatusPart } from '../../../src/observe/status/status-part.ts';
import type { Status } from '../../../src/observe/status/status.ts';
import { WHOLE_STATUS } from '../../../src/observe/status/status-query.ts';

/** The time of every made status: noon. */
export const NOON = Date.parse('2026-01-02T12:00:00Z');

/** One open request that began a minute before noon. */
export function openRow(differences: Partial<OpenRow> = {}): OpenRow {
  return {
    side: 'native', requestId: 'pen_1', startedAt: NOON - 60_000, client: 'alice', upstream: 'native', route: '/anthropic/v1/messages', method: 'POST', phase: 'relay',
    model: 'claude-x', isEventStream: true, requestBytes: 100, responseBytes: 2_000, acquiredAt: NOON - 60_000, stalledAt: undefined, ...differences,
  };
}

/** The open requests of a process that has none. */
export function emptyOpen(): OpenPart {
  return {
    total: 0, matching: 0, bySide: { native: 0, front_door: 0, bedrock: 0, vertex: 0 }, rows: [], clients: [], holders: [], stalled: [],
    byPhase: { admit: 0, authenticate: 0, route: 0, limit: 0, receive: 0, acquire: 0, send: 0, relay: 0, settle: 0 },
  };
}

/** A process that has done nothing. */
export function emptyPart(differences: Partial<StatusPart> = {}): StatusPart {
  return { open: emptyOpen(), upstreams: [], states: [], quotas: [], failures: [], clients: [], activity: new Activity().part(NOON), ...differences };
}

/** A status with so many open requests of one client. */
export function statusOfRequests(count: number, client: string): Status {
  const rows = Array.from({ length: count }, (_, index) => openRow({ requestId: `pen_${index}`, client }));
  const part = emptyPart({ open: { ...emptyOpen(), total: count, matching: count, rows } });
  return describeStatus(part, WHOLE_STATUS, {
    now: NOON, gateway: { version: '1.0.0', state: 'running', started_at: new Date(NOON - 3_600_000).toISOString(), workers: 1 }, findings: [], warnings: {}, drain: null,
    config: { loaded_at: new Date(NOON - 3_600_000).toISOString(), last_reload: null, restart_required: [], warnings: [] },
  });
}
