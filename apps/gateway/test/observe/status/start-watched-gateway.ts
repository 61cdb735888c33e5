import { createConfigState } from '../../../src/observe/status/config-state.ts';
import { createStatusReader } from '../../../src/observe/status/create-status-reader.ts';
import type { Status } from '../../../src/observe/status/status.ts';
import { warningsOf } from '../../../src/observe/upstreams/upstream-snapshot.ts';
import type { OperationsServer } from '../../../src/process/operations-server.ts';
import type { StatusPageOptions } from '../../../src/process/operations/status-routes.ts';
import type { PageLimits } from '../../../src/process/operations/status-events.ts';
import { startTestOperations } from '../../release/start-test-operations.ts';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../../start-test-gateway.ts';

/** A gateway in the test's process with an operations listener, as `penstock start` makes both. */
export interface WatchedGateway extends TestGateway {
  readonly operations: OperationsServer;
  /** The origin of the operations listener. */
  readonly watch: string;
  /** The status for a query such as `?client=alice`. */
  readStatus(query?: string): Promise<Status>;
}

/** How the page differs from the product's. */
export interface WatchOptions {
  readonly host?: string;
  readonly token?: string;
  readonly admin?: StatusPageOptions['admin'];
  readonly limits?: Partial<PageLimits>;
}

/** Starts both, in front of an upstream. */
export async function startWatchedGateway(upstreamOrigin: string, document: ConfigDocument = {}, { host = '127.0.0.1', token, admin, limits }: WatchOptions = {}): Promise<WatchedGateway> {
  const gateway = await startTestGateway(upstreamOrigin, document);
  const { lifecycle, status } = gateway;
  if (status === undefined) throw new Error('the page is off');
  const warnings = (): Readonly<Record<string, string>> => ({ ...gateway.warnings(), ...warningsOf(gateway.upstreams()) });
  const operations = await startTestOperations({
    lifecycle, host, warnings,
    page: {
      token, admin, ...(limits === undefined ? {} : { limits }),
      read: createStatusReader({
        version: '0.0.0-test', lifecycle, config: createConfigState([]), warnings, isServing: () => true, conditions: () => Object.values(gateway.conditions()),
        readParts: async (query) => [await status.read(query)], drainMs: () => 60_000,
      }),
    },
  });
  const watch = `http://127.0.0.1:${operations.port}`;
  return {
    ...gateway, operations, watch,
    async readStatus(query = '') {
      const response = await fetch(`${watch}/status.json${query}`);
      if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
      return await response.json() as Status;
    },
    async [Symbol.asyncDispose]() {
      await operations.close();
      await gateway.close();
    },
  };
}
