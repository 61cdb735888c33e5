import { asking } from './client-early-scenarios.ts';
import type { Fault } from './fault-cells.ts';
import type { FaultProxy, ProxyFault } from './fault-proxy.ts';
import { ask, askAndRead, bigBody, pause, readResult } from './fault-requests.ts';
import { scenario, type FaultScenario } from './fault-scenario.ts';
import type { FaultWorld } from './fault-world.ts';

/** Ends what is on its way, and lets everything pass that comes. */
async function heal(proxy: FaultProxy | undefined): Promise<void> {
  proxy?.set('reset');
  proxy?.set('none');
  await pause(30);
}

/** The network is bad before anything is connected; it is well again when the client has its answer. */
const fromTheStart = (fault: ProxyFault) => async ({ port, proxy }: FaultWorld): Promise<string> => {
  // No idle connection may be left, or nothing is connected anew.
  await heal(proxy);
  proxy?.set(fault);
  const result = await askAndRead(port);
  await heal(proxy);
  return result;
};

/** The network becomes bad while a body of 12 MB is on its way. */
const inTheBody = (fault: ProxyFault) => async ({ port, proxy }: FaultWorld): Promise<string> => {
  const before = proxy?.bytesForward() ?? 0;
  const connection = await ask(port, { body: bigBody(12_000_000), fault: 'send-stall' });
  while ((proxy?.bytesForward() ?? 0) < before + 100_000) await pause(5);
  proxy?.set(fault);
  const result = await readResult(connection);
  connection.close();
  await heal(proxy);
  return result;
};

/** The network becomes bad in mid stream. */
const inTheStream = (fault: ProxyFault) => async ({ port, proxy, upstream }: FaultWorld): Promise<string> => {
  const connection = await ask(port, { fault: 'held' });
  await connection.waitFor((bytes) => bytes.includes('message_start'));
  proxy?.set(fault);
  upstream.release();
  const result = await readResult(connection);
  connection.close();
  await heal(proxy);
  return result;
};

const NO_HANDSHAKE = '502 upstream_unreachable|502 upstream_tls|502 upstream_reset';

const acquiring = (fault: Fault & ProxyFault, outcomes: string, result: string): FaultScenario =>
  scenario(`network/acquire/${fault}`, 'in the handshake', outcomes, result, fromTheStart(fault), 'tls');
const sending = (fault: Fault & ProxyFault, outcomes: string, result: string): FaultScenario =>
  scenario(`network/send/${fault}`, 'inside the body', outcomes, result, inTheBody(fault), 'proxied');
const relaying = (fault: Fault & ProxyFault, outcomes: string, result: string): FaultScenario =>
  scenario(`network/relay/${fault}`, 'in mid stream', outcomes, result, inTheStream(fault), 'proxied');

/** What happens on the way between gateway and upstream. */
export const NETWORK_SCENARIOS: readonly FaultScenario[] = [
  acquiring('reset', 'upstream_unreachable|upstream_reset', NO_HANDSHAKE),
  acquiring('fin', 'upstream_unreachable|upstream_reset', NO_HANDSHAKE),
  acquiring('stall', 'upstream_timeout', '504 upstream_timeout'),
  acquiring('drip', 'upstream_timeout', '504 upstream_timeout'),
  acquiring('garbage', 'upstream_unreachable', '502 upstream_tls'),
  scenario('network/acquire/dns', 'a name without an address', 'upstream_unreachable', '502 upstream_unreachable', asking({}), 'unresolvable'),
  sending('reset', 'upstream_reset', '502 upstream_reset'),
  sending('fin', 'upstream_reset', '502 upstream_reset'),
  sending('stall', 'upstream_timeout', '504 upstream_timeout'),
  sending('drip', 'upstream_timeout', '504 upstream_timeout'),
  sending('garbage', 'upstream_reset', '502 upstream_invalid'),
  relaying('reset', 'upstream_truncated', '200 broken'),
  relaying('fin', 'upstream_truncated', '200 broken'),
  relaying('stall', 'upstream_timeout', '200 broken'),
  relaying('drip', 'ok', '200 whole'),
  relaying('garbage', 'upstream_truncated', '200 broken'),
  scenario('network/relay/tls', 'damaged records', 'upstream_truncated', '200 broken', inTheStream('damage'), 'tls'),
];
