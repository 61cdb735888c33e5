import { createLifecycle } from '../../src/process/lifecycle.ts';
import { startOperationsServer, type OperationsOptions, type OperationsServer } from '../../src/process/operations-server.ts';

/** An operations listener on a free port, of a gateway that runs. */
export function startTestOperations(overrides: Partial<OperationsOptions> = {}): Promise<OperationsServer> {
  const lifecycle = createLifecycle(() => undefined);
  lifecycle.moveTo('running');
  return startOperationsServer({
    host: '127.0.0.1', port: 0, allowedHosts: [], lifecycle, warnings: () => ({}),
    scrape: () => Promise.resolve({ contentType: 'text/plain', text: '' }), ...overrides,
  });
}
