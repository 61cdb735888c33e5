import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { citedTests, problemsOf, readPage, REPOSITORY, tableRows } from './documented-tests.ts';

const PROMISES = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8'];
const OWASP_2023 = ['API1', 'API2', 'API3', 'API4', 'API5', 'API6', 'API7', 'API8', 'API9', 'API10'];
/** Field reports of group H, each of which is a threat of its own. */
const SECURITY_REPORTS = Array.from({ length: 15 }, (_, index) => 128 + index);

const security = readPage('SECURITY.md');
const guarantees = readPage('docs/guarantees.md');
const sectionsOf = (page: string): string[] => page.split(/\n(?=##+ )/).slice(1);

describe('docs/guarantees.md', () => {
  const sections = sectionsOf(guarantees);

  test.each(PROMISES)('attacks %s with several tests, and they exist', (promise) => {
    const section = sections.find((text) => text.startsWith(`## ${promise}. `)) ?? '';
    const cited = citedTests(section);
    expect(cited.length).toBeGreaterThanOrEqual(4);
    expect(problemsOf(cited)).toEqual([]);
  });

  test('has no row without a test', () => {
    expect(tableRows(guarantees).filter((cells) => citedTests(cells.at(-1) ?? '').length === 0)).toEqual([]);
  });
});

describe('docs/cloud-gateway-contract.md', () => {
  const contract = readPage('docs/cloud-gateway-contract.md');

  test('docs/cloud-gateway-contract.md: has a test in every row, and they exist', () => {
    const rows = tableRows(contract);
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((cells) => cells.length !== 3 || citedTests(cells[2] ?? '').length === 0)).toEqual([]);
    expect(problemsOf(citedTests(contract))).toEqual([]);
  });
});

describe('SECURITY.md', () => {
  const threats = sectionsOf(security.split('\n## Threat model\n')[1]?.split('\n## Known limits\n')[0] ?? '');

  test.each(threats.map((text) => [text.split('\n', 1)[0] ?? '', text] as const))('%s: every row names tests, and they exist', (_title, text) => {
    const rows = tableRows(text);
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.filter((cells) => cells.length !== 3 || cells.includes('') || citedTests(cells[2] ?? '').length === 0)).toEqual([]);
    expect(problemsOf(citedTests(text))).toEqual([]);
  });

  test('has every risk of the OWASP API Security Top 10 of 2023', () => {
    const risks = tableRows(security).map(([risk = '']) => /^API\d+/.exec(risk)?.[0]).filter((risk) => risk !== undefined);
    expect(risks).toEqual(OWASP_2023);
  });

  test('attacks every field report on authentication and security', () => {
    const attacked = new Set(citedTests(security).flatMap(({ title }) => [...title.matchAll(/FR-(\d+)/g)].map(([, number]) => Number(number))));
    const rows = security.match(/\(reports? [\d, ]+\)|\((?:1\d\d(?:, )?)+\)/g)?.join() ?? '';
    expect(SECURITY_REPORTS.filter((number) => !attacked.has(number) && !rows.includes(String(number)))).toEqual([]);
  });

  test('SECURITY.md: has sections for reporting, supported versions and known limits', () => {
    for (const heading of ['Reporting', 'Supported versions', 'Known limits']) expect(security).toContain(`\n## ${heading}\n`);
  });
});

test.each([['SECURITY.md', security], ['docs/guarantees.md', guarantees], ['docs/field-reports.md', readPage('docs/field-reports.md')], ['docs/dependencies.md', readPage('docs/dependencies.md')]])('%s links to files that exist', (page, text) => {
  const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
  expect(links.length).toBeGreaterThan(0);
  expect(links.filter((target) => !existsSync(join(REPOSITORY, dirname(page), target)))).toEqual([]);
});
