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

describe('the alert rules', () => {
  it('have a section of the runbook each, and no section is without its alert', () => {
    const sections = Array.from(RUNBOOK.matchAll(/^## (\w+)$/gm), ([, name]) => name);
    expect(sections).toEqual(ALERTS.map(({ name }) => name));
    for (const { name, text } of ALERTS) {
      expect(text).toContain(`runbook_url: "docs/runbook.md#${name.toLowerCase()}"`);
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

  it('have a summary and a description', () => {
    for (const { name, text } of ALERTS) {
      expect(text, name).toMatch(/summary: "/);
      expect(text, name).toMatch(/description: "/);
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
