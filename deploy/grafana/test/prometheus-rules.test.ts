import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { notifying, readInhibitions, type AlertLabels } from '@penstock/test-support';
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

const INHIBITIONS = readInhibitions(readRepositoryFile('deploy/prometheus/alertmanager.yml'));
const TESTS = UNIT_TESTS.map((file) => readRepositoryFile(`deploy/prometheus/tests/${file}`)).join('\n');

/** An alert with the labels that its unit test shows it to carry, some of them with other values. */
function alertOf(name: string, differences: AlertLabels = {}): AlertLabels {
  const [, labels = ''] = new RegExp(`alertname: ${name}\\n +exp_alerts:\\n +- exp_labels: \\{(.*)\\}`).exec(TESTS) ?? [];
  const carried = Object.fromEntries(Array.from(labels.matchAll(/(\w+): "?([^",}]+?)"?(?=,| *$)/g), ([, label = '', value = '']) => [label, value]));
  for (const label of Object.keys(differences)) expect(carried, `${name} carries ${label}`).toHaveProperty(label);
  return { ...carried, alertname: name, ...differences };
}

const MORE = { instance: 'second:9464' };
const OTHER = { upstream: 'front_door_local' };

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
    expect(notifying(INHIBITIONS, firing.map((name) => alertOf(name))).map(({ alertname }) => alertname)).toEqual(firing.slice(0, 1));
  });

  it.each([
    ['an upstream is unreachable, and the pool of another one is held', [alertOf('PenstockUpstreamUnreachable', OTHER), alertOf('PenstockPoolHeldByOneClient')], [alertOf('PenstockOldestWaiter'), alertOf('PenstockOldestWaiter', OTHER)]],
    ['an upstream is unreachable, and the pool of another one refuses', [alertOf('PenstockUpstreamUnreachable', OTHER), alertOf('PenstockRequestsRefused')], [alertOf('PenstockRequestsRefused', { ...OTHER, ...MORE })]],
    ['a client holds the pool of one upstream, and that of another one is too small', [alertOf('PenstockPoolHeldByOneClient'), alertOf('PenstockRequestsRefused', OTHER)], [alertOf('PenstockPoolSaturated', OTHER)]],
    ['a client holds the pool of one instance, and in another one requests wait', [alertOf('PenstockPoolHeldByOneClient'), alertOf('PenstockOldestWaiter', MORE)], [alertOf('PenstockPoolSaturated', MORE)]],
    ['the pools of two instances refuse', [alertOf('PenstockRequestsRefused'), alertOf('PenstockRequestsRefused', MORE)], [alertOf('PenstockOldestWaiter'), alertOf('PenstockOldestWaiter', MORE)]],
    ['one instance does not get its turns, and the pool of another one refuses', [alertOf('PenstockEventLoopLag'), alertOf('PenstockRequestsRefused', MORE)], [alertOf('PenstockRequestsRefused')]],
    ['one client holds the pool, and another one does not read', [alertOf('PenstockPoolHeldByOneClient'), alertOf('PenstockSlowClient', { client: 'bob' })], [alertOf('PenstockSlowClient', { client: 'mallory' })]],
    ['one instance is gone, and another one is overloaded', [alertOf('PenstockDown'), alertOf('PenstockOldestWaiter', MORE)], [alertOf('PenstockOldestWaiter')]],
  ])('leave the notification of each of two causes: %s', (_causes, causes, consequences) => {
    expect(notifying(INHIBITIONS, [...consequences, ...causes])).toEqual(causes);
  });

  it('inhibit by all labels of place that both alerts carry, and by none that one lacks', () => {
    expect(INHIBITIONS.length).toBeGreaterThan(8);
    for (const { isSource, isTarget, equal } of INHIBITIONS) {
      const alerts = ALERTS.map(({ name }) => alertOf(name));
      const [sources, targets] = [alerts.filter(isSource), alerts.filter(isTarget)];
      expect(sources, 'a source that exists').not.toEqual([]);
      expect(targets, 'a target that exists').not.toEqual([]);
      expect(sources.filter(isTarget)).toEqual([]);
      for (const source of sources) {
        for (const target of targets) {
          const shared = ['job', 'instance', 'upstream', 'client'].filter((label) => label in source && label in target);
          // An instance that is gone explains nothing of alerts about the whole job, and is never equal to them.
          if (source['alertname'] === 'PenstockDown' && !('instance' in target)) expect(equal).toContain('instance');
          else expect(equal, `${source['alertname']} and ${target['alertname']}`).toEqual(shared);
        }
      }
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
    for (const { name } of ALERTS) {
      expect(TESTS).toContain(`- name: "${name} fires: `);
      expect(TESTS).toContain(`- name: "${name} is silent: `);
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
