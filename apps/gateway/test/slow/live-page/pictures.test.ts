// The live page as pictures in a real browser: every width, scheme and amount. `PENSTOCK_PICTURES=FOLDER` keeps them to be looked at.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_ROWS } from '../../../src/observe/status/status-query.ts';
import type { OperationsServer } from '../../../src/process/operations-server.ts';
import { startTestOperations } from '../../release/start-test-operations.ts';
import { makeIncident, PLAIN_NAMES, type MadeIncident } from './made-incident.ts';
import { CHROMIUM, look, openBrowser } from './open-browser.ts';

if (CHROMIUM === undefined) console.warn('skipped: the live page in a browser needs chromium (apt-get install chromium)');
const FOLDER = process.env['PENSTOCK_PICTURES'] ?? join(tmpdir(), 'penstock-live-page');

const LONG = 'a-team-with-a-very-long-name-that-somehow-was-allowed-and-goes-on-and-on-without-any-end-in-sight';
const CASES: Readonly<Record<string, MadeIncident>> = {
  empty: { ...PLAIN_NAMES, requests: 0 },
  incident: PLAIN_NAMES,
  full: { ...PLAIN_NAMES, requests: MAX_ROWS },
  long: { requests: 12, names: [LONG, `${LONG}-2`, `${LONG}-3`, `${LONG}-4`], models: [`claude-${LONG}`, 'm'] },
  hostile: {
    requests: 12, models: ['"><svg onload=alert(2)>', '{{7*7}}', '\u202emodel'],
    names: ['<script>alert(1)</script>', '"><img src=x onerror=alert(3)>', "' onmouseover='alert(4)", '\u0000\u001b[2J&lt;b&gt;\u2028javascript:alert(5)'],
  },
};

describe.skipIf(CHROMIUM === undefined)('the live page in a browser', () => {
  let browser: Browser;
  let operations: OperationsServer;
  let shown: MadeIncident = PLAIN_NAMES;
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    operations = await startTestOperations({ page: { token: undefined, read: (query) => Promise.resolve(makeIncident(shown, query)) } });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await operations.close();
  });

  const looks = Object.keys(CASES).flatMap((name) => (['light', 'dark'] as const).flatMap((colorScheme) => [800, 1_600].map((width) => ({ name, colorScheme, width }))));
  test.each(looks)('$name, $colorScheme, $width pixels: nothing overflows, nothing is executed, and axe finds no serious fault', async ({ name, colorScheme, width }) => {
    shown = CASES[name] ?? PLAIN_NAMES;
    const { page, problems } = await look(browser, `http://127.0.0.1:${operations.port}/?limit=${MAX_ROWS}`, { colorScheme, width });
    await page.locator('#live.connected').waitFor();
    await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}-${width}.png`), fullPage: name !== 'full' });
    // What does not fit scrolls within its own box.
    expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
    const rows = await page.locator('#open-rows tr').count();
    expect(rows).toBe(Math.max(1, shown.requests));
    if (name === 'hostile') {
      expect(await page.locator('#open-rows th').first().textContent()).toBe('<script>alert(1)</script>');
      expect(await page.locator('main script, main img, main b').count()).toBe(0);
    }
    // As an expression of the debugger: the policy of the page stays in force.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')}`)).toEqual([]);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('without a script: the same snapshot, and the form and the links ask for another one', async () => {
    shown = PLAIN_NAMES;
    const { page, problems } = await look(browser, `http://127.0.0.1:${operations.port}/`, { isScriptOff: true });
    expect(await page.locator('#live').textContent()).toContain('Snapshot of');
    expect(await page.locator('#pause').isVisible()).toBe(false);
    expect(await page.locator('#open-rows tr').count()).toBe(12);
    await page.getByRole('link', { name: 'Received' }).click();
    expect(page.url()).toContain('sort=bytes');
    expect(await page.locator('th[aria-sort]').textContent()).toBe('Received');
    await page.getByLabel('Search').fill('mallory');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(page.url()).toContain('search=mallory');
    expect(await page.getByLabel('Search').inputValue()).toBe('mallory');
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
