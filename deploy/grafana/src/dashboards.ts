import type { DashboardSpec } from './dashboard-spec.ts';
import { clientsAndCost } from './dashboards/clients-and-cost.ts';
import { overview } from './dashboards/overview.ts';
import { processDashboard } from './dashboards/process.ts';
import { upstreamPool } from './dashboards/upstream-pool.ts';

/** The dashboards, by the name of the file each is generated into. */
export const DASHBOARDS: Readonly<Record<string, DashboardSpec>> = {
  overview, 'upstream-pool': upstreamPool, 'clients-and-cost': clientsAndCost, process: processDashboard,
};
