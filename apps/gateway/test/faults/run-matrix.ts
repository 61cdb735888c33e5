import { checkScenario } from './check-scenario.ts';
import type { FaultScenario } from './fault-scenario.ts';
import { startFaultWorld, whyMissing, type FaultWorld, type WorldKind } from './fault-world.ts';

/** What came of a run of scenarios. */
export interface MatrixReport {
  readonly passed: number;
  /** Scenarios whose world cannot be made on this machine, with the reason. */
  readonly skipped: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Runs scenarios in a few lanes side by side, each with worlds of its own. What fails there is tried once more alone, and said
 * aloud: the clocks are short, and a neighbour may have had the processor for longer than one of them.
 */
export async function runMatrix(scenarios: readonly FaultScenario[], lanes = 3): Promise<MatrixReport> {
  const failed = new Set<FaultScenario>();
  const first = await runLanes(scenarios, lanes, failed);
  if (failed.size === 0) return first;
  for (const problem of first.problems) console.warn(`fault matrix: tried again alone: ${problem}`);
  const again = await runLanes([...failed], 1, new Set());
  const kept = first.problems.filter((problem) => !problem.includes(' ('));
  return { passed: first.passed + again.passed, skipped: first.skipped, problems: [...kept, ...again.problems] };
}

async function runLanes(scenarios: readonly FaultScenario[], lanes: number, failed: Set<FaultScenario>): Promise<MatrixReport> {
  const skipped: string[] = [];
  const problems: string[] = [];
  let passed = 0;
  const queue = scenarios.toReversed();
  const rejected: unknown[] = [];
  const onRejection = (reason: unknown): void => { rejected.push(reason); };
  process.on('unhandledRejection', onRejection);
  await Promise.all(Array.from({ length: lanes }, async () => {
    const worlds = new Map<WorldKind, FaultWorld>();
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const name = `${next.cell} (${next.variant})`;
      const missing = whyMissing(next.world);
      if (missing !== undefined) {
        skipped.push(`${name}: ${missing}`);
        continue;
      }
      const world = worlds.get(next.world) ?? await startFaultWorld(next.world);
      worlds.set(next.world, world);
      const found = await checkScenario(world, next);
      if (found.length === 0) passed += 1;
      else failed.add(next);
      problems.push(...found.map((problem) => `${name}: ${problem}`));
    }
    for (const world of worlds.values()) {
      const internal = world.gateway.logged.find(({ level, msg }) => level === 60 || msg === 'internal error');
      if (internal !== undefined) problems.push(`${world.kind}, internal error: ${JSON.stringify(internal)}`);
      await world.close();
    }
  }));
  process.off('unhandledRejection', onRejection);
  if (rejected.length > 0) problems.push(`${rejected.length} unhandled rejections: ${String(rejected[0])}`);
  return { passed, skipped, problems };
}
