import { beginTurnReport, BOUNDED_CELLS, createBoundedRig, type BoundedCell, type BoundedRig } from '@penstock/test-support';
import { groupOf, type TurnGroup } from './turn-group.ts';
import { startProbedFloor, startProbedGateway, type ProbedProgram } from './start-probed.ts';

/** The longest turn that a group of inputs caused. */
export interface LongestTurn {
  readonly input: string;
  /** From the turn's beginning to its end, other programs of the machine included. */
  readonly ms: number;
  /** Processor time of the event loop's own thread. */
  readonly cpuMs: number;
}

/** One row of the table. */
export interface TurnRow extends TurnGroup {
  readonly inputs: number;
  readonly penstock: LongestTurn;
  /** Of the floor, where it takes such inputs. */
  readonly floor: LongestTurn | undefined;
  /** The most memory that was held, as a multiple of the input. */
  readonly mostHeld: number;
}

interface Measured { readonly cell: BoundedCell; readonly turn: LongestTurn; readonly held: number }

/** So long an input may take; the floor may not answer at all. */
const CELL_TIMEOUT_MS = 180_000;

async function measure(rig: BoundedRig, program: ProbedProgram, cell: BoundedCell, bytes: number): Promise<Measured> {
  const end = await beginTurnReport(program.probe);
  const timeout = new AbortController();
  const ran = rig.run(cell, bytes, program);
  await Promise.race([ran, new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CELL_TIMEOUT_MS);
    timeout.signal.addEventListener('abort', () => clearTimeout(timer));
  })]);
  timeout.abort();
  const { longestMs, longestCpuMs, mostHeldBytes } = await end();
  return { cell, turn: { input: cell.name, ms: longestMs, cpuMs: longestCpuMs }, held: mostHeldBytes / bytes };
}

/** A quarter of them in chunks of one byte: five million chunks take half a minute, and each turn of them is like the one before. */
const bytesOf = (cell: BoundedCell, bytes: number): number => (cell.name.includes('chunks of one byte') ? bytes / 4 : bytes);

/** Sends every input of `bytes` to the gateway and, what a bare relay takes, to the floor; one row a group. */
export async function runTurns(folder: string, bytes: number, onProgress: (text: string) => void): Promise<TurnRow[]> {
  const rig = await createBoundedRig();
  const environment = { folder, upstreamOrigin: rig.upstreamOrigin };
  const programs = { penstock: await startProbedGateway(environment), floor: await startProbedFloor(environment) };
  const measured: Record<keyof typeof programs, Measured[]> = { penstock: [], floor: [] };
  try {
    for (const [index, cell] of BOUNDED_CELLS.entries()) {
      onProgress(`${index + 1} of ${BOUNDED_CELLS.length} inputs`);
      measured.penstock.push(await measure(rig, programs.penstock, cell, bytesOf(cell, bytes)));
      if (cell.side === 'native') measured.floor.push(await measure(rig, programs.floor, cell, bytesOf(cell, bytes)));
    }
  } finally {
    for (const program of Object.values(programs)) await program.stop();
    await rig[Symbol.asyncDispose]();
  }
  return summarize(measured.penstock, measured.floor);
}

function summarize(penstock: readonly Measured[], floor: readonly Measured[]): TurnRow[] {
  const key = ({ cell }: Measured): string => Object.values(groupOf(cell)).join();
  const floorByForm = Map.groupBy(floor, ({ cell: { party, ...cell } }) => `${party},${groupOf({ party, ...cell }).form}`);
  return [...Map.groupBy(penstock, key).values()].map((group) => {
    const { side, party, form } = groupOf((group[0] as Measured).cell);
    const same = floorByForm.get(`${party},${form}`);
    return { side, party, form, inputs: group.length, penstock: longest(group), floor: same === undefined ? undefined : longest(same), mostHeld: Math.max(...group.map(({ held }) => held)) };
  });
}

function longest(measured: readonly Measured[]): LongestTurn {
  return measured.map(({ turn }) => turn).reduce((most, turn) => (turn.cpuMs > most.cpuMs ? turn : most));
}
