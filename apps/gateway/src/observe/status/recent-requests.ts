import type { RequestRecord } from '../../request/request-record.ts';
import { isGatewayError } from '../../request/gateway-error.ts';
import { Activity } from './activity.ts';
import { ClientHours } from './client-hours.ts';
import { FailureList, type FailureDetails } from './failure-list.ts';
import type { ActivityPart, ClientHour, FailureRow } from './status-part.ts';

/** What is remembered of finished requests: the last failures, the last hour by client, the last 15 minutes by time. Nothing of it grows with requests. */
export interface RecentRequests {
  record(record: RequestRecord, details: FailureDetails): void;
  /** Notes how many requests are open and waiting, every few seconds. */
  noteLoad(open: number, waiting: number): void;
  read(): { readonly failures: readonly FailureRow[]; readonly clients: readonly ClientHour[]; readonly activity: ActivityPart };
}

/** Codes of the gateway's own refusals by which a client's limit or the gateway's capacity was reached. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['rate_limited', 'overloaded']);

/** Makes an empty memory. */
export function createRecentRequests(): RecentRequests {
  const failures = new FailureList();
  const clients = new ClientHours();
  const activity = new Activity();
  return {
    record(record, details) {
      const at = Date.now();
      const isOk = record.outcome === 'ok';
      const isRefusal = !isOk && (record.outcome === 'overloaded' || REFUSALS.has(codeOf(details)));
      const { usage } = record;
      clients.add(record.client, {
        requests: 1, failures: isOk || isRefusal ? 0 : 1, refusals: isRefusal ? 1 : 0,
        inputTokens: usage === undefined ? 0 : usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h,
        outputTokens: usage?.output ?? 0,
        costNanoDollars: Number(record.cost?.nanoDollars ?? 0n),
      }, at);
      activity.count('requests', at);
      if (isOk) return;
      activity.count(isRefusal ? 'refusals' : 'failures', at);
      if (codeOf(details) === 'unauthenticated') activity.count('unauthenticated', at);
      failures.record(record, details, at);
    },
    noteLoad(open, waiting) {
      const at = Date.now();
      activity.note('open', open, at);
      activity.note('waiting', waiting, at);
    },
    read() {
      const at = Date.now();
      return { failures: failures.rows(), clients: clients.rows(at), activity: activity.part(at) };
    },
  };
}

function codeOf({ errorCode, failure }: FailureDetails): string | undefined {
  return errorCode ?? (isGatewayError(failure) ? failure.code : undefined);
}
