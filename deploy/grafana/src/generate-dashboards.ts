// Writes dashboards/*.json from the specifications; the test says when they are not current.
import { writeFileSync } from 'node:fs';
import { DASHBOARDS } from './dashboards.ts';
import { renderDashboard } from './build-dashboard.ts';

for (const [name, spec] of Object.entries(DASHBOARDS)) {
  writeFileSync(new URL(`../dashboards/${name}.json`, import.meta.url), renderDashboard(spec));
}
