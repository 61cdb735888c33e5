import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { UsageReport } from '../../ledger/usage/read-usage.ts';
import type { UsageQuery } from '../../ledger/usage/usage-query.ts';

/** Where reports are read from. */
export interface UsageSource {
  read(query: UsageQuery): Promise<UsageReport>;
  /** Closes what was opened for reports alone. */
  close(): Promise<void>;
}

/** Reads from a database that is open already, else from one of its own, which is connected to by the first report: the primary of workers has none with PostgreSQL. */
export function createUsageSource(config: Pick<GatewayConfig, 'state'>, given: SqlDatabase | undefined): UsageSource {
  let opening: Promise<SqlDatabase | undefined> | undefined;
  async function open(): Promise<SqlDatabase | undefined> {
    const { openState } = await import('../../state/open-state.ts');
    return openState(config);
  }
  return {
    async read(query) {
      const database = given ?? await (opening ??= open());
      const { readUsage } = await import('../../ledger/usage/read-usage.ts');
      if (database === undefined) throw new TypeError('there is no store to read from');
      return readUsage(database, query);
    },
    async close() {
      await (await opening)?.close();
    },
  };
}
