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
 * Runs scenarios in a few lanes side by side, each with worlds of its own. A failed scenario is repeated once alone, and the
 * report names it: the clocks are short, and a neighbour may have had the processor for longer than one of them.
 */
export async function runMatrix(scenarios: readonly FaultScenario[], lanes = 3): Promise<MatrixReport> {
  const first = await runLanes(scenarios, lanes);
  const failed = [...first.failed.keys()];
  const found = [...first.failed.values()].flat();
  for (const problem of found) console.warn(`fault matrix: tried again alone: ${problem}`);
  const again = failed.length === 0 ? undefined : await runLanes(failed, 1);
  const problems = [...first.problems, ...(again === undefined ? [] : [...again.failed.values()].flat().concat(again.problems))];
  return { passed: first.passed + (again?.passed ?? 0), skipped: first.skipped, problems };
}

interface LanesReport extends MatrixReport {
  /** The problems of each failed scenario; `problems` has those that belong to no single scenario. */
  readonly failed: ReadonlyMap<FaultScenario, readonly string[]>;
}

/** Collects what must not happen in a process whatever is done to it: promises rejected unhandled, and warnings (of leaks above all). */
function watchProcess(): { readonly problems: readonly string[]; stop(): void } {
  const problems: string[] = [];
  const onRejection = (reason: unknown): void => { problems.push(`unhandled rejection: ${String(reason)}`); };
  const onWarning = (warning: Error): void => { problems.push(`process warning: ${warning.name}: ${warning.message}`); };
  process.on('unhandledRejection', onRejection);
  process.on('warning', onWarning);
  return {
    problems,
    stop() {
      process.off('unhandledRejection', onRejection);
      process.off('warning', onWarning);
    },
  };
}

async function runLanes(scenarios: readonly FaultScenario[], lanes: number): Promise<LanesReport> {
  const skipped: string[] = [];
  const problems: string[] = [];
  const failed = new Map<FaultScenario, string[]>();
  let passed = 0;
  const queue = scenarios.toReversed();
  const watch = watchProcess();
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
      else failed.set(next, found.map((problem) => `${name}: ${problem}`));
    }
    for (const world of worlds.values()) {
      const internal = world.gateway.logged.find(({ level, msg }) => level === 60 || msg === 'internal error');
      if (internal !== undefined) problems.push(`${world.kind}, internal error: ${JSON.stringify(internal)}`);
      await world.close();
    }
  }));
  watch.stop();
  return { passed, skipped, failed, problems: [...problems, ...watch.problems] };
}
