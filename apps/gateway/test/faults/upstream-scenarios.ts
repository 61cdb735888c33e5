import { asking } from './client-early-scenarios.ts';
import type { Fault } from './fault-cells.ts';
import { ask, askAndCount, askAndRead, bigBody, pause, readResult } from './fault-requests.ts';
import { scenario, type FaultScenario } from './fault-scenario.ts';
import type { FaultWorld, WorldKind } from './fault-world.ts';

const BREAKS_OF_AN_IDLE_CONNECTION = ['reset', 'fin', 'garbage', 'duplicate'] as const;
const UNREACHABLE = '502 upstream_unreachable';
const INVALID = '502 upstream_invalid';

/** Leaves an idle connection that breaks while the next body is on its way. */
const idleBreaks = (fault: string) => async ({ port }: FaultWorld): Promise<string> => {
  await askAndRead(port, { fault: `end-${fault}`, body: '{"model":"m"}' });
  const connection = await ask(port, { body: '{"model":"m"', announced: 14 });
  await pause(120);
  connection.send(' }');
  const result = await readResult(connection);
  connection.close();
  return result;
};

const RECEIVE: readonly FaultScenario[] = BREAKS_OF_AN_IDLE_CONNECTION.map((fault) =>
  // A reset may overtake the last bytes of the answer before it.
  scenario(`upstream/receive/${fault}`, 'of the idle connection', fault === 'reset' ? 'ok ok|upstream_truncated ok|upstream_reset ok' : 'ok ok', '200 whole', idleBreaks(fault)));

const connecting = (fault: Fault, variant: string, world: WorldKind, result: string, outcome = 'upstream_unreachable'): FaultScenario =>
  scenario(`upstream/acquire/${fault}`, variant, outcome, result, asking({}), world);

async function waitForSlot(world: FaultWorld): Promise<string> {
  const slots = await world.takeSlots();
  const result = await askAndRead(world.port);
  await slots.release();
  return result;
}

const ACQUIRE: readonly FaultScenario[] = [
  connecting('reset', 'connection refused', 'refused', UNREACHABLE),
  connecting('fin', 'closed in the handshake', 'closing', `${UNREACHABLE}|502 upstream_tls|502 upstream_reset`, 'upstream_unreachable|upstream_reset'),
  connecting('stall', 'silence in the handshake', 'silent', '504 upstream_timeout', 'upstream_timeout'),
  scenario('upstream/acquire/stall', 'no slot comes back', 'ok ok overloaded', '429 overloaded', waitForSlot, 'patient'),
  connecting('drip', 'handshake byte by byte', 'dripping', '504 upstream_timeout|502 upstream_tls', 'upstream_timeout|upstream_unreachable'),
  connecting('garbage', 'plain HTTP on a TLS port', 'plaintext', '502 upstream_tls'),
  connecting('tls', 'an unknown authority', 'untrusted', '502 upstream_tls'),
  connecting('tls', 'another name', 'wrong_name', '502 upstream_tls'),
  connecting('tls', 'an expired certificate', 'expired', '502 upstream_tls'),
];

const sendingTo = (fault: Fault, name: string, variant: string, outcome: string, result: string): FaultScenario =>
  scenario(`upstream/send/${fault}`, variant, outcome, result, ({ port }) => askAndRead(port, { body: bigBody(8_000_000), fault: name }));

const SEND: readonly FaultScenario[] = [
  sendingTo('reset', 'send-reset', 'inside the body', 'upstream_reset', '502 upstream_reset'),
  sendingTo('fin', 'send-fin', 'inside the body', 'upstream_reset', '502 upstream_reset'),
  sendingTo('stall', 'send-stall', 'takes no more of the body', 'upstream_timeout', '504 upstream_timeout'),
  scenario('upstream/send/drip', 'takes the body with pauses', 'ok', '200 whole', ({ port }) => askAndRead(port, { body: bigBody(8_000_000), fault: 'send-drip' }), 'patient'),
  sendingTo('garbage', 'send-garbage', 'no HTTP while the body is sent', 'upstream_reset', INVALID),
  sendingTo('huge', 'send-huge', 'a head of 300 KB while the body is sent', 'upstream_reset', INVALID),
  scenario('upstream/send/duplicate', '100 Continue twice', 'ok', '200 whole', ({ port }) => askAndRead(port, { body: bigBody(8_000_000), fault: 'send-duplicate' }), 'patient'),
  sendingTo('out_of_order', 'send-out-of-order', 'answers before the body is whole', 'upstream_error', '413 whole'),
];

const relaying = (fault: Fault, name: string, variant: string, outcome: string, result: string): FaultScenario =>
  scenario(`upstream/relay/${fault}`, variant, outcome, result, asking({ fault: name }));

const HEAD: readonly FaultScenario[] = [
  relaying('reset', 'head-reset', 'before the head', 'upstream_reset', '502 upstream_reset'),
  relaying('fin', 'head-fin', 'before the head', 'upstream_reset', '502 upstream_reset'),
  relaying('stall', 'head-stall', 'before the head', 'upstream_timeout', '504 upstream_timeout'),
  relaying('drip', 'head-drip', 'in the head', 'upstream_timeout', '504 upstream_timeout'),
  relaying('garbage', 'head-garbage', 'for a head', 'upstream_reset', INVALID),
  relaying('huge', 'head-huge', 'a head of 300 KB', 'upstream_reset', INVALID),
  relaying('duplicate', 'head-duplicate', 'two lengths', 'upstream_reset', INVALID),
  relaying('out_of_order', 'head-out-of-order', 'an unrequested upgrade', 'upstream_reset', INVALID),
];

const BODY: readonly FaultScenario[] = [
  relaying('reset', 'body-reset', 'in mid stream', 'upstream_truncated|upstream_reset', '200 broken|502 upstream_reset'),
  relaying('fin', 'body-fin', 'at an event boundary', 'upstream_truncated', '200 broken'),
  ...(['reset', 'fin', 'stall', 'garbage'] as const).map((fault) => scenario(`upstream/relay/${fault}`, 'with broken_streams: event', fault === 'stall' ? 'upstream_timeout' : 'upstream_truncated|upstream_reset', '200 error event|502 upstream_reset', asking({ fault: `body-${fault}` }), 'events')),
  relaying('fin', 'body-fin-inside', 'inside an event', 'upstream_truncated', '200 broken'),
  relaying('stall', 'body-stall', 'in mid stream', 'upstream_timeout', '200 broken'),
  relaying('drip', 'body-drip', 'byte by byte', 'ok', '200 whole'),
  relaying('garbage', 'body-garbage', 'no chunk', 'upstream_truncated', '200 broken'),
  scenario('upstream/relay/huge', 'an event of 12 MB', 'ok', '200 whole', ({ port }) => askAndCount(port, { fault: 'body-huge' })),
  relaying('duplicate', 'body-duplicate', 'a second response', 'ok', '200 whole'),
  relaying('out_of_order', 'body-out-of-order', 'stop before start', 'ok', '200 whole'),
];

const SETTLE: readonly FaultScenario[] = BREAKS_OF_AN_IDLE_CONNECTION.map((fault) => {
  const run = async ({ port }: FaultWorld): Promise<string> => {
    const result = await askAndRead(port, { fault: `end-${fault}`, body: '{"model":"m"}' });
    // A request in the moment of the reset would be lost: whether it ran is not known.
    await pause(60);
    return result;
  };
  if (fault !== 'reset') return scenario(`upstream/settle/${fault}`, 'after the last byte', 'ok', '200 whole', run);
  return scenario(`upstream/settle/${fault}`, 'after the last byte', 'ok|upstream_truncated|upstream_reset', '200 whole|200 broken|502 upstream_reset', run);
});

/** What upstreams do wrong. */
export const UPSTREAM_SCENARIOS: readonly FaultScenario[] = [...RECEIVE, ...ACQUIRE, ...SEND, ...HEAD, ...BODY, ...SETTLE];
