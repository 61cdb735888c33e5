import type { BenchRig } from '../workloads/bench-rig.ts';

/** What a scenario runs with. */
export interface ScenarioEnvironment {
  readonly rig: BenchRig;
  /** A temporary folder, removed after the run; make a folder of your own in it. */
  readonly folder: string;
  /** Whether the run is `--quick`: small enough for a look, not to publish. */
  readonly isQuick: boolean;
  /** The value of `--rounds`; absent without the flag. */
  readonly rounds: number | undefined;
  /** Shows one line while the scenario runs. */
  readonly onProgress: (text: string) => void;
}

/** What a scenario measured. */
export interface ScenarioResult {
  /** Markdown below the title: a table or a list. */
  readonly report: string;
  /** The same for `results.json`. */
  readonly figures: unknown;
}

/** A measurement that is no workload: it starts its own programs, or compares ways through one program. `--only NAME` chooses it. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  run(environment: ScenarioEnvironment): Promise<ScenarioResult>;
}
