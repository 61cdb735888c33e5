/**
 * CPU time per relayed event: each contender is a process of its own, all run the same load in turn, round after round, and
 * the medians of the rounds are compared in one run. A second floor is the control: the run says nothing when it is not
 * within 5 % of the first. `node --conditions=@penstock/source bench/relay-cost.ts [--quick]`
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startEventSource, type EventSourceOptions } from './event-source.ts';

const isQuick = process.argv.includes('--quick');
const CONTENDERS = ['floor', 'relay', 'relay+observer', 'control'];
const ROUNDS = isQuick ? 7 : 15;

interface Workload extends EventSourceOptions { readonly name: string; readonly streams: number }

const WORKLOADS: readonly Workload[] = [
  { name: 'one event at a time', streams: 100, eventsPerSecond: 50, eventsAtOnce: 1, eventsPerStream: isQuick ? 80 : 100 },
  { name: 'bursts of 8 events', streams: 50, eventsPerSecond: 400, eventsAtOnce: 8, eventsPerStream: isQuick ? 400 : 800 },
  { name: 'as fast as it goes', streams: 10, eventsPerSecond: 0, eventsAtOnce: 64, eventsPerStream: isQuick ? 6_400 : 12_800 },
];

interface Contender { readonly name: string; readonly child: ChildProcess; readonly port: number; readonly costs: number[] }

async function ask(child: ChildProcess): Promise<Record<string, unknown>> {
  child.send('cpu');
  const [answer] = await once(child, 'message');
  return answer as Record<string, unknown>;
}

async function startContender(name: string, origin: string): Promise<Contender> {
  const child = fork(new URL('contender.ts', import.meta.url), [name, origin], { execArgv: ['--conditions=@penstock/source', '--max-semi-space-size=64'] });
  const [address] = await once(child, 'message');
  return { name, child, port: Number((address as Record<string, unknown>)['port']), costs: [] };
}

/** Opens the streams, reads each to its terminating chunk. */
async function load(port: number, workload: Workload): Promise<void> {
  await Promise.all(Array.from({ length: workload.streams }, async () => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('GET / HTTP/1.1\r\nhost: bench\r\n\r\n');
    await new Promise<void>((resolve, reject) => {
      socket.setEncoding('latin1');
      socket.on('data', (bytes) => { if (bytes.slice(-5) === '0\r\n\r\n') resolve(); });
      socket.once('close', () => reject(new Error('a stream broke')));
    });
    socket.destroy();
  }));
}

async function measure(contender: Contender, workload: Workload): Promise<number> {
  const before = Number((await ask(contender.child))['cpuMicroseconds']);
  await load(contender.port, workload);
  const after = Number((await ask(contender.child))['cpuMicroseconds']);
  return (after - before) / (workload.streams * workload.eventsPerStream);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

for (const workload of WORKLOADS) {
  const source = await startEventSource(workload);
  const address = source.address();
  if (address === null || typeof address === 'string') throw new Error('the source has no port');
  const contenders: Contender[] = [];
  for (const name of CONTENDERS) contenders.push(await startContender(name, `http://127.0.0.1:${address.port}`));
  for (const contender of contenders) await measure(contender, workload);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of contenders) contender.costs.push(await measure(contender, workload));
  }
  const floor = median(contenders[0]?.costs ?? []);
  console.log(`${workload.name}: ${workload.streams} streams, ${ROUNDS} rounds`);
  for (const { name, costs } of contenders) {
    const ratios = costs.map((cost, index) => cost / (contenders[0]?.costs[index] ?? Number.NaN));
    console.log(`  ${name.padEnd(12)} ${median(costs).toFixed(2).padStart(7)} us an event   ${(median(costs) / floor).toFixed(3)} x floor   (median of round ratios ${median(ratios).toFixed(3)})`);
  }
  for (const { child } of contenders) child.disconnect();
  source.close();
}
