import { asking } from './client-early-scenarios.ts';
import type { Fault, Phase } from './fault-cells.ts';
import type { ProxyFault } from './fault-proxy.ts';
import { ask, askAndRead, pause, readResult } from './fault-requests.ts';
import { scenario, type FaultScenario } from './fault-scenario.ts';
import type { FaultWorld, WorldKind } from './fault-world.ts';

const FAULTS: ReadonlyArray<Fault & ProxyFault> = ['reset', 'fin', 'stall', 'drip', 'garbage', 'huge', 'duplicate', 'out_of_order'];

/** Makes the store well again and waits until the client whose place was not given back is served: within a few seconds. */
async function recover({ port, proxy }: FaultWorld): Promise<void> {
  proxy?.set('reset');
  proxy?.set('none');
  let served = 0;
  for (let tries = 0; tries < 400 && served < 2; tries += 1) {
    await pause(100);
    served = await askAndRead(port, { method: 'GET', path: '/anthropic/v1/models' }) === '200 whole' ? served + 1 : 0;
  }
}

const inLimit = (fault: ProxyFault) => async ({ port, proxy }: FaultWorld): Promise<string> => {
  proxy?.set(fault);
  return askAndRead(port);
};

/** The store breaks while a stream runs, so that the place cannot be given back at its end. */
const inSettle = (fault: ProxyFault) => async ({ port, proxy, upstream }: FaultWorld): Promise<string> => {
  const connection = await ask(port, { fault: 'held' });
  await connection.waitFor((bytes) => bytes.includes('message_start'));
  proxy?.set(fault);
  upstream.release();
  const result = await readResult(connection);
  connection.close();
  return result;
};

const breaking = (phase: Phase, fault: Fault & ProxyFault, world: WorldKind, run: FaultScenario['run']): FaultScenario => {
  // A client that is refused because the store cannot count gets a hint; the answer of a running request is never touched.
  const [outcomes, result] = phase === 'limit' && world === 'redis_closed' ? ['ok|overloaded', '200 whole|429 overloaded'] : ['ok', '200 whole'];
  return { ...scenario(`redis/${phase}/${fault}`, world, outcomes, result, run, world), recover };
};

/** What happens to the shared store of the limits. */
export const REDIS_SCENARIOS: readonly FaultScenario[] = [
  ...(['redis_open', 'redis_closed'] as const).flatMap((world) => FAULTS.flatMap((fault) =>
    [breaking('limit', fault, world, inLimit(fault)), breaking('settle', fault, world, inSettle(fault))])),
  scenario('redis/limit/dns', 'a name without an address', 'ok', '200 whole', asking({}), 'redis_unresolvable'),
  scenario('redis/limit/tls', 'a store without TLS', 'overloaded', '429 overloaded', asking({}), 'redis_tls'),
];
