import { performance } from 'node:perf_hooks';
import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { PartConditions } from '../observe/causes.ts';
import type { OpenRequest } from '../request/open-requests.ts';
import { describeError } from '../observe/log/describe-error.ts';
import { createCorrectionMetrics } from '../observe/metrics/create-correction-metrics.ts';
import { createLedgerMetrics } from '../observe/metrics/create-ledger-metrics.ts';
import { createLedger } from './create-ledger.ts';
import { createBatchCorrections } from './batches/batch-corrections.ts';
import { createBatchStore } from './batches/batch-store.ts';
import { readResult } from './batches/read-result.ts';
import { createEntriesOfRequest, type ReadBatchResult, type SettledCost } from './entries-of-request.ts';
import { createPersonNotes } from './persons/person-notes.ts';
import { createOpenCharges, type OpenCharges, type OpenSpender } from './open-charges.ts';
import { storableName } from './ledger-entry.ts';
import { LEDGER_TIMING, type LedgerTiming } from './ledger-timing.ts';
import type { Ledger } from './ledger.ts';

/** The ledger of a gateway and what is wrong with it. */
export interface OpenedLedger {
  readonly ledger: Ledger;
  /** Adds the cost of a settled request. */
  readonly charge: (settled: SettledCost) => void;
  /** Replaces the estimate of a result of a message batch by what it cost, once. */
  readonly correct: (result: ReadBatchResult) => void;
  /** Makes the series of corrections at 0, at the start and after each reload. @param callers the names that callers have in metrics @param upstream the one that keeps batches */
  readonly nameCallers: (callers: readonly string[], upstream: string) => void;
  /** Begins to charge streams while they are open. */
  chargeOpen(requests: ChargedWhileOpen): void;
  /** Charges an open request at once, until it is taken back; nothing before `chargeOpen`. */
  readonly book: (request: OpenSpender, cost: SettledCost) => void;
  /** Takes back what was charged of a request while it was open. */
  readonly takeBack: (request: object) => void;
  conditions(): PartConditions;
  /** Writes what waits. */
  close(): Promise<void>;
}

/** The open requests of a gateway. */
export interface ChargedWhileOpen {
  readonly list: () => readonly OpenRequest[];
  /** What one would be charged if it ended now. */
  readonly costOf: (request: OpenRequest) => SettledCost | undefined;
  /** Whether a budget holds for anyone, so that what is open matters. */
  readonly isNeeded: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** What it is opened with. */
export interface OpenLedgerOptions {
  readonly config: Pick<GatewayConfig, 'state'>;
  readonly database: SqlDatabase;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Shorter clocks, for tests. @defaultValue LEDGER_TIMING */
  readonly timing?: Partial<LedgerTiming>;
}

const LOG_INTERVAL_MS = 10_000;

/** Opens the ledger, and waits a moment for the amounts of the store: one that is down keeps no gateway from starting. */
export async function openLedger({ config, database, registry, logger, timing }: OpenLedgerOptions): Promise<OpenedLedger> {
  const report = createStoreReport(logger);
  const ledger = createLedger({
    database, timing: { flushMs: config.state.flush_interval * 1_000, ...timing }, onStore: (error) => { report(error, ledger); },
    onPruneFailure: (error) => { logger.warn({ error: describeError(error), reason: error instanceof Error ? error.message : undefined }, 'old days of the ledger could not be removed'); },
    onEntryFailure: createReport(logger, 'the cost of a request is missing in the ledger'),
  });
  createLedgerMetrics(registry, ledger);
  const correctionMetrics = createCorrectionMetrics(registry);
  await ledger.ready();
  const entriesOf = createEntriesOfRequest();
  const personToNote = createPersonNotes();
  let open: OpenCharges | undefined;
  const corrections = createBatchCorrections({
    store: createBatchStore(database), beginMs: 2 * config.state.flush_interval * 1_000, retryMs: timing?.retryMs ?? LEDGER_TIMING.retryMs, onError: createReport(logger, 'results of a batch cannot be corrected'),
    onCorrected: (correction) => correctionMetrics.count(correction),
  });
  return {
    ledger,
    nameCallers: (callers, upstream) => { correctionMetrics.zero(callers, upstream); },
    chargeOpen({ list, costOf, isNeeded, onError }) {
      open = createOpenCharges({
        open: list, isNeeded, onError, record: (entry) => { ledger.record(entry); },
        entryOf(request) {
          const settled = costOf(request);
          // Several parts come with the final usage, just before the end.
          return settled === undefined || settled.cost.parts !== undefined ? undefined : entriesOf(settled, Date.now())[0];
        },
      });
    },
    correct: (result) => corrections.add(storableName(result.batchId), readResult(result)),
    book(request, cost) {
      const [entry] = entriesOf(cost, Date.now());
      if (entry !== undefined) open?.book(request, entry);
    },
    takeBack: (request) => open?.takeBack(request),
    charge(settled) {
      const at = Date.now();
      ledger.recordLater(Number(settled.cost.nanoDollars), () => {
        const seen = personToNote(settled.person);
        const entries = entriesOf(settled, at);
        return seen === undefined ? entries : entries.map((entry) => ({ ...entry, seen }));
      });
    },
    conditions: () => conditionsOf(ledger),
    async close() {
      open?.close();
      // Its batches come before their results.
      await ledger.close();
      await corrections.close(performance.now() + (timing?.closeMs ?? LEDGER_TIMING.closeMs));
      if (corrections.dropped() > 0) logger.warn({ results: corrections.dropped() }, 'results of batches were not corrected');
      const { requests, nanoDollars } = ledger.lost();
      if (requests > 0) logger.error({ requests, nano_dollars: String(nanoDollars) }, 'requests are missing in the ledger');
    },
  };
}

/** A store that is down fails each time; the log has it now and then, and its return once. */
function createStoreReport(logger: Logger): (error: unknown, ledger: Ledger) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (error, ledger) => {
    if (error === undefined) {
      if (loggedAt !== Number.NEGATIVE_INFINITY) logger.info('the ledger is written again');
      loggedAt = Number.NEGATIVE_INFINITY;
      return;
    }
    if (performance.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = performance.now();
    logger.warn({ pending: ledger.pending(), lost: ledger.lost().requests, error: describeError(error), reason: error instanceof Error ? error.message : undefined }, 'the ledger cannot be written');
  };
}

/** Warns of what fails, now and then. */
function createReport(logger: Logger, message: string): (error: unknown) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = performance.now();
    logger.warn({ error: describeError(error), reason: error instanceof Error ? error.message : undefined }, message);
  };
}

function conditionsOf(ledger: Ledger): PartConditions {
  const failure = ledger.failure();
  if (failure === undefined) return {};
  const detail = `${ledger.pending()} requests wait in memory, ${ledger.lost().requests} are lost`;
  return { ledger: { cause: 'ledger_failing', party: 'ledger', since: failure.since, detail } };
}
