import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS } from '../src/dashboards.ts';
import { documentedMetrics, HAS_PROMTOOL, PROMTOOL_NOTE, readRepositoryFile, selectedMetrics } from './repository.ts';

const FOLDER = fileURLToPath(new URL('../../prometheus', import.meta.url));
const ALERT_RULES = readRepositoryFile('deploy/prometheus/penstock-alerts.rules.yml');
const RECORDING_RULES = readRepositoryFile('deploy/prometheus/penstock-recording.rules.yml');
const UNIT_TESTS = readdirSync(`${FOLDER}/tests`);
const RUNBOOK = readRepositoryFile('docs/runbook.md');

/** Each alert's name and the text of its rule. */
const ALERTS = ALERT_RULES.split(/^ {6}- alert: /m).slice(1).map((text) => ({ name: /^\w+/.exec(text)?.[0] ?? '', text }));

function promtool(...parameters: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', [...parameters], { encoding: 'utf8', cwd: FOLDER });
  return { status, output: status === 0 ? '' : stdout + stderr };
}

const HAS_AMTOOL = spawnSync('amtool', ['--version']).status === 0;

/** The matchers of one list, such as `['alertname=~"A|B", 'alertname!="C"']`, as one predicate on the name of an alert. */
function matcherOf(list: string): (name: string) => boolean {
  const tests = Array.from(list.matchAll(/alertname(=~|!=|=)"([^"]*)"/g), ([, operator, value = '']) => (name: string): boolean => {
    if (operator === '=~') return new RegExp(`^(?:${value})$`).test(name);
    return (name === value) === (operator === '=');
  });
  return (name) => tests.length > 0 && tests.every((test) => test(name));
}

const INHIBITIONS = readRepositoryFile('deploy/prometheus/alertmanager.yml').split('  - source_matchers:').slice(1).map((text) => {
  const [source = '', target = '', equal = ''] = text.split(/target_matchers:|equal:/);
  return { source: matcherOf(source), target: matcherOf(target), equal };
});

/** The alerts of one job that notify while all of them fire: an inhibited alert inhibits, too (Alertmanager's own rule). */
function notified(firing: readonly string[]): string[] {
  return firing.filter((name) => !INHIBITIONS.some(({ source, target }) => target(name) && firing.some(source)));
}

describe('the alert rules', () => {
  it('have a section of the runbook each, and no section is without its alert', () => {
    const sections = Array.from(RUNBOOK.matchAll(/^## (\w+)$/gm), ([, name]) => name);
    expect(sections).toEqual(ALERTS.map(({ name }) => name));
    for (const { name, text } of ALERTS) {
      expect(text).toContain(`runbook_url: '{{ or $externalLabels.runbook_base "https://runbooks.example/penstock" }}#${name.toLowerCase()}'`);
      const severity = /severity: (page|ticket)/.exec(text)?.[1];
      expect(RUNBOOK).toContain(`| [${name}](#${name.toLowerCase()}) | ${severity} |`);
    }
  });

  it('say in the runbook what they mean, where to look and what to do', () => {
    for (const section of RUNBOOK.split(/^## /m).slice(1)) {
      for (const part of ['**Means**', '**Look**', '**Do**']) expect(section, section.slice(0, 40)).toContain(part);
    }
  });

  it('send people to panels that exist (every title in quotes is one, every dashboard that is named has it)', () => {
    const rows = Object.values(DASHBOARDS).flatMap((dashboard) => dashboard.rows);
    const titles = new Set(rows.flatMap(({ title, panels }) => [title, ...panels.map((panel) => panel.title)]));
    const quoted = Array.from(RUNBOOK.replaceAll('\n', ' ').matchAll(/"([A-Z][^"]*)"/g), ([, title = '']) => title);
    expect(quoted.length).toBeGreaterThan(20);
    expect(quoted.filter((title) => !titles.has(title))).toEqual([]);
    const dashboards = Object.values(DASHBOARDS).map(({ title }) => title.replace('Penstock / ', ''));
    const named = Array.from(RUNBOOK.replaceAll('\n', ' ').matchAll(/[Dd]ashboard ([A-Z]\w*(?: and cost| pool)?)/g), ([, name = '']) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !dashboards.includes(name))).toEqual([]);
  });

  it.each([
    ['a client holds the pool', ['PenstockPoolHeldByOneClient', 'PenstockPoolSaturated', 'PenstockOldestWaiter', 'PenstockRequestsRefused', 'PenstockErrorBudgetFastBurn']],
    ['the pool is too small', ['PenstockRequestsRefused', 'PenstockPoolSaturated', 'PenstockOldestWaiter', 'PenstockErrorBudgetFastBurn', 'PenstockErrorBudgetSlowBurn']],
    ['the upstream restarts for minutes', ['PenstockUpstreamUnreachable', 'PenstockStreamsTruncated', 'PenstockErrorBudgetFastBurn', 'PenstockRequestsRefused']],
    ['the key is revoked', ['PenstockCredentialRefused', 'PenstockErrorBudgetFastBurn', 'PenstockErrorBudgetSlowBurn', 'PenstockApiFailing']],
    ['bodies fill the memory', ['PenstockMemoryBudgetNearlySpent', 'PenstockErrorBudgetFastBurn']],
    ['the quota is spent', ['PenstockQuotaNearlyGone', 'PenstockApiFailing']],
    ['the process hangs', ['PenstockDown', 'PenstockDrainStuck', 'PenstockEventLoopLag', 'PenstockConnectionsRefused']],
  ])('leave one notification for one cause: %s', (_cause, firing) => {
    const names = new Set(ALERTS.map(({ name }) => name));
    for (const name of firing) expect(names, name).toContain(name);
    expect(notified(firing)).toEqual(firing.slice(0, 1));
  });

  it('inhibit no alert of another job, and none by itself', () => {
    expect(INHIBITIONS.length).toBeGreaterThan(8);
    for (const { source, target, equal } of INHIBITIONS) {
      expect(equal).toContain('job');
      expect(ALERTS.filter(({ name }) => source(name)), 'a source that exists').not.toEqual([]);
      expect(ALERTS.filter(({ name }) => target(name)), 'a target that exists').not.toEqual([]);
      expect(ALERTS.filter(({ name }) => source(name) && target(name))).toEqual([]);
    }
  });

  it.skipIf(!HAS_AMTOOL)(`have a sample of Alertmanager's configuration that it accepts${HAS_AMTOOL ? '' : ' (skipped: amtool is not installed)'}`, () => {
    expect(spawnSync('amtool', ['check-config', 'alertmanager.yml'], { cwd: FOLDER }).status).toBe(0);
  });

  it('have a summary and a description', () => {
    for (const { name, text } of ALERTS) {
      expect(text, name).toMatch(/summary: '/);
      expect(text, name).toMatch(/description: '/);
    }
  });

  it('are each shown firing and silent by a unit test', () => {
    const tests = UNIT_TESTS.map((file) => readRepositoryFile(`deploy/prometheus/tests/${file}`)).join('\n');
    for (const { name } of ALERTS) {
      expect(tests).toContain(`- name: "${name} fires: `);
      expect(tests).toContain(`- name: "${name} is silent: `);
    }
  });

  it('ask only for series that exist, recorded ones included', () => {
    const known = documentedMetrics();
    for (const name of selectedMetrics(ALERT_RULES + RECORDING_RULES)) expect(known, name).toContain(name);
    const recorded = new Set(Array.from(RECORDING_RULES.matchAll(/record: (\S+)/g), ([, name]) => name));
    for (const [name] of ALERT_RULES.matchAll(/penstock:\w+:\w+/g)) expect(recorded).toContain(name);
  });

  it.skipIf(!HAS_PROMTOOL)(`are valid, and so is the configuration that loads them${PROMTOOL_NOTE}`, () => {
    expect(promtool('check', 'rules', 'penstock-alerts.rules.yml', 'penstock-recording.rules.yml')).toEqual({ status: 0, output: '' });
    expect(promtool('check', 'config', 'prometheus.yml')).toEqual({ status: 0, output: '' });
  });

  it.skipIf(!HAS_PROMTOOL)(`fire in scripted incidents and are silent in the health nearest to them${PROMTOOL_NOTE}`, () => {
    expect(promtool('test', 'rules', ...UNIT_TESTS.map((file) => `tests/${file}`))).toEqual({ status: 0, output: '' });
  }, 120_000);
});
