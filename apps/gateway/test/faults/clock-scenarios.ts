import { fieldValues, openRawConnection } from '@penstock/test-support';
import type { Phase } from './fault-cells.ts';
import { ask, askAndRead, bigBody, BOB, CAROL, pause, readResult, requestBytes, STREAM_BODY } from './fault-requests.ts';
import { scenario, type FaultScenario } from './fault-scenario.ts';
import type { FaultWorld } from './fault-world.ts';

const HOUR_MS = 3_600_000;
const realNow = Date.now;

/** Runs `act` while the wall clock of this process is an hour ahead, an hour behind, and so on. */
async function withJumpingClock(act: () => Promise<string>): Promise<string> {
  let jump = HOUR_MS;
  Date.now = () => realNow() + jump;
  const timer = setInterval(() => { jump = -jump; }, 30);
  try {
    return await act();
  } finally {
    clearInterval(timer);
    Date.now = realNow;
  }
}

const jumping = (phase: Phase, act: (world: FaultWorld) => Promise<string>, outcomes = 'ok'): FaultScenario =>
  scenario(`host/${phase}/clock_jump`, 'an hour forward and back', outcomes, '200 whole', (world) => withJumpingClock(() => act(world)));

/** Sends the first part of a request, and the rest after the clock has jumped a few times. */
const inTwoParts = (split: number) => async ({ port }: FaultWorld): Promise<string> => {
  const bytes = requestBytes({});
  const connection = await openRawConnection(port);
  connection.send(bytes.subarray(0, split));
  await pause(100);
  connection.send(bytes.subarray(split));
  const result = await readResult(connection);
  connection.close();
  return result;
};

/** A client that may ask once a minute is refused after the clock was set back, and told to wait no longer than the minute. */
async function refusedAfterJump({ port }: FaultWorld): Promise<string> {
  await askAndRead(port, { key: CAROL });
  Date.now = () => realNow() - HOUR_MS;
  try {
    const connection = await ask(port, { key: CAROL });
    const refused = await connection.readMessage({ kind: 'response' });
    connection.close();
    const [seconds] = fieldValues(refused.rawHeaders, 'retry-after');
    return `${refused.startLine.split(' ')[1]}, ${Number(seconds) <= 60 ? 'to come back within a minute' : `to come back in ${seconds} seconds`}`;
  } finally {
    Date.now = realNow;
  }
}

async function waiting(world: FaultWorld): Promise<string> {
  const slots = await world.takeSlots();
  const connection = await ask(world.port);
  await pause(150);
  await slots.release();
  const result = await readResult(connection);
  connection.close();
  return result;
}

async function streaming({ port, upstream }: FaultWorld): Promise<string> {
  const connection = await ask(port, { fault: 'held' });
  await connection.waitFor((bytes) => bytes.includes('message_start'));
  await pause(150);
  upstream.release();
  const result = await readResult(connection);
  connection.close();
  return result;
}

async function twiceOnOneConnection({ port }: FaultWorld): Promise<string> {
  const connection = await ask(port, { key: BOB });
  await connection.readMessage({ kind: 'response' });
  await pause(100);
  connection.send(requestBytes({ key: BOB }));
  const result = await readResult(connection);
  connection.close();
  return result;
}

/** What the machine's wall clock does. The gateway's own clocks are monotonic. They change the clock of the process, so they run alone. */
export const CLOCK_SCENARIOS: readonly FaultScenario[] = [
  jumping('admit', inTwoParts(30)),
  scenario('host/limit/clock_jump', 'back, in the window of a limit by the minute', 'ok client_error', '429, to come back within a minute', refusedAfterJump),
  jumping('receive', inTwoParts(requestBytes({}).length - STREAM_BODY.length + 5)),
  jumping('acquire', waiting, 'ok ok ok'),
  jumping('send', ({ port }) => askAndRead(port, { fault: 'send-drip', body: bigBody(6_000_000) })),
  jumping('relay', streaming),
  jumping('settle', twiceOnOneConnection, 'ok ok'),
];
