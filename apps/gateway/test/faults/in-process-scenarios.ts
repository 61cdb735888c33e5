import { CLIENT_EARLY_SCENARIOS } from './client-early-scenarios.ts';
import { CLIENT_LATE_SCENARIOS } from './client-late-scenarios.ts';
import type { FaultScenario } from './fault-scenario.ts';
import { NETWORK_SCENARIOS } from './network-scenarios.ts';
import { REDIS_SCENARIOS } from './redis-scenarios.ts';
import { UPSTREAM_SCENARIOS } from './upstream-scenarios.ts';

/** All scenarios that run side by side against gateways in the test's own process. */
export const IN_PROCESS_SCENARIOS: readonly FaultScenario[] = [
  ...CLIENT_EARLY_SCENARIOS, ...CLIENT_LATE_SCENARIOS, ...UPSTREAM_SCENARIOS, ...NETWORK_SCENARIOS, ...REDIS_SCENARIOS,
];
