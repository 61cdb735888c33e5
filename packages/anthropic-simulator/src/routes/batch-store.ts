import { bodyTimestamp, type Clock } from '../clock.ts';
import type { JsonObject } from '../json.ts';

/** How one request of a batch ended or will end. */
export type BatchOutcome = 'succeeded' | 'errored' | 'canceled' | 'expired';

/** One request of a batch. */
export interface BatchEntry {
  readonly customId: string;
  readonly params: JsonObject;
  readonly outcome: BatchOutcome;
}

/** A batch and its progress. */
export interface Batch {
  readonly id: string;
  readonly createdAt: number;
  entries: readonly BatchEntry[];
  status: 'in_progress' | 'canceling' | 'ended';
  pollsLeft: number;
  endedAt: number | undefined;
  cancelInitiatedAt: number | undefined;
}

const LIFETIME_MS = 86_400_000;

/** The batch as the API shows it. */
export function renderBatch(batch: Batch, publicOrigin: string): JsonObject & { readonly id: string } {
  const hasEnded = batch.status === 'ended';
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: batch.status,
    request_counts: requestCounts(batch),
    ended_at: timestampOrNull(batch.endedAt),
    created_at: bodyTimestamp(batch.createdAt),
    expires_at: bodyTimestamp(batch.createdAt + LIFETIME_MS),
    archived_at: null,
    cancel_initiated_at: timestampOrNull(batch.cancelInitiatedAt),
    results_url: hasEnded ? `${publicOrigin}/v1/messages/batches/${batch.id}/results` : null,
  };
}

/** Asks a batch to stop; the next poll sees it ended. */
export function cancelBatch(batch: Batch, clock: Clock): void {
  batch.status = 'canceling';
  batch.pollsLeft = 0;
  batch.cancelInitiatedAt ??= clock.now();
}

/** Ends a batch: what was still waiting when it was cancelled is `canceled`. */
export function endBatch(batch: Batch, clock: Clock): void {
  if (batch.status === 'canceling') batch.entries = batch.entries.map((entry) => ({ ...entry, outcome: 'canceled' }));
  batch.status = 'ended';
  batch.endedAt = clock.now();
}

function requestCounts(batch: Batch): JsonObject {
  const count = (outcome: BatchOutcome): number => batch.status === 'ended' ? batch.entries.filter((entry) => entry.outcome === outcome).length : 0;
  return {
    processing: batch.status === 'ended' ? 0 : batch.entries.length,
    succeeded: count('succeeded'), errored: count('errored'), canceled: count('canceled'), expired: count('expired'),
  };
}

function timestampOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : bodyTimestamp(epochMs);
}
