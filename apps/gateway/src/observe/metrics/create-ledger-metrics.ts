import { Counter, type Registry } from 'prom-client';
import type { Ledger } from '../../ledger/ledger.ts';
import { createGauge } from './gauges.ts';

/** Declares the metrics of the ledger. They exist only where there is one, and are read when scraped. */
export function createLedgerMetrics(registry: Registry, ledger: Ledger): void {
  createGauge({
    name: 'penstock_ledger_pending_requests', registers: [registry],
    help: 'Requests whose cost the store does not have yet. Without a failure those of the last state.flush_interval.',
    collect() { this.set(ledger.pending()); },
  });
  createGauge({
    name: 'penstock_ledger_behind', registers: [registry],
    help: '1 while the store of the ledger does not answer, so that the spending of other processes is not known; 0 while all is well.',
    collect() { this.set(ledger.state() === 'ok' ? 0 : 1); },
  });
  void new Counter({
    name: 'penstock_ledger_lost_requests_total', registers: [registry],
    help: 'Requests whose cost the store will never have: too many waited while it was down, or the process ended without it.',
    collect() {
      this.reset();
      this.inc(ledger.lost().requests);
    },
  });
}
