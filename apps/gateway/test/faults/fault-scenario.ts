import type { Outcome } from '../../src/request/request-record.ts';
import type { CellName } from './fault-cells.ts';
import type { FaultWorld, WorldKind } from './fault-world.ts';

/** One thing that goes wrong, and what must come of it. */
export interface FaultScenario {
  readonly cell: CellName;
  /** Tells scenarios of one cell apart. */
  readonly variant: string;
  readonly world: WorldKind;
  /** What is counted, over all requests of the scenario; each entry of the list is as right as the others. */
  readonly outcomes: ReadonlyArray<readonly Outcome[]>;
  /** What the client sees; `|` separates what is equally right. */
  readonly result: string;
  /** Makes it go wrong and returns what the client saw. */
  readonly run: (world: FaultWorld) => Promise<string>;
  /** Makes the surroundings well again; the requests it needs for that are not counted. */
  readonly recover?: (world: FaultWorld) => Promise<void>;
}

/**
 * Makes a scenario. `outcomes` names what is counted, separated by blanks, alternatives by `|`; empty: nothing was a request.
 */
export function scenario(cell: CellName, variant: string, outcomes: string, result: string, run: FaultScenario['run'], world: WorldKind = 'plain'): FaultScenario {
  const alternatives = outcomes.split('|').map((list) => list.trim().split(/\s+/).filter((name) => name !== '') as Outcome[]);
  return { cell, variant, world, outcomes: alternatives, result, run };
}
