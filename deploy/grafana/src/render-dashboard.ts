import { buildDashboard } from './build-dashboard.ts';
import type { DashboardSpec } from './dashboard-spec.ts';

/** The text of a generated dashboard file. */
export function renderDashboard(spec: DashboardSpec): string {
  return `${JSON.stringify(buildDashboard(spec), null, 2)}\n`;
}
