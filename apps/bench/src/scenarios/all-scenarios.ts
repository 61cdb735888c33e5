import { FEATURES } from '../features/features-scenario.ts';
import { LATENCY } from '../latency/latency-scenario.ts';
import { LEDGER, LEDGER_SWITCHED } from '../ledger/ledger-scenario.ts';
import { LIVE_PAGE } from '../live-page/live-page-scenario.ts';
import { METRICS } from '../metrics/metrics-scenario.ts';
import { SCALE } from '../scale/scale-scenario.ts';
import { SIGNED_IN } from '../signed-in/signed-in-scenario.ts';
import { TRANSLATED } from '../translated/translated-scenario.ts';
import { TURNS } from '../turns/turns-scenario.ts';
import { UPSTREAMS } from '../upstreams/upstreams-scenario.ts';
import type { Scenario } from './scenario.ts';

/** The scenarios in the order in which they run, after the workloads. A new one is a file with a `Scenario` and a row here. */
export const SCENARIOS: readonly Scenario[] = [
  TURNS,
  LIVE_PAGE,
  SIGNED_IN,
  TRANSLATED,
  FEATURES,
  UPSTREAMS,
  LEDGER,
  LEDGER_SWITCHED,
  METRICS,
  LATENCY,
  SCALE,
];
