// The exam of an operator in a real browser: the open page itself shows each incident, without being loaded again.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { IncidentRig, INCIDENTS, type Incident, type IncidentName } from '../../observe/status/cause-incidents.ts';
import { CHROMIUM, look, openBrowser } from './open-browser.ts';

if (CHROMIUM === undefined) console.warn('skipped: the live page in a browser needs chromium (apt-get install chromium)');
/** In which an operator has the answer. */
const WITHIN_MS = 10_000;

describe.skipIf(CHROMIUM === undefined)('the live page in a browser', () => {
  let browser: Browser;
  let rig = new IncidentRig();
  beforeAll(async () => { browser = await openBrowser(); });
  afterAll(async () => { await browser.close(); });
  afterEach(async () => {
    await rig.dispose();
    rig = new IncidentRig();
  });

  test.each(Object.keys(INCIDENTS) as IncidentName[])('%s: the verdict line says so within 10 seconds, with the cause and the party of /status.json', async (name) => {
    const incident: Incident = INCIDENTS[name];
    const gateway = await incident.start(rig);
    const { page, problems } = await look(browser, `${gateway.watch}/`);
    await page.locator('#live.connected').waitFor();
    const verdict = page.locator('#verdict');
    expect(await verdict.textContent()).toBe('All well');
    const begun = incident.happen(gateway, rig);
    await expect.poll(() => verdict.textContent(), { timeout: WITHIN_MS }).not.toBe('All well');
    await begun;
    await expect.poll(async () => (await gateway.readStatus()).verdict, { timeout: WITHIN_MS }).toMatchObject({ cause: incident.cause, party: incident.party });
    const { verdict: status } = await gateway.readStatus();
    const firstWords = status.text.split(/\d/)[0] ?? '';
    await expect.poll(() => verdict.textContent(), { timeout: WITHIN_MS }).toContain(firstWords);
    expect(await page.locator(`#verdict .${status.severity}`).count()).toBe(1);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a request that comes and ends is shown without loading the page again, and a pause keeps what is shown', async () => {
    const upstream = await rig.holdStreams();
    const gateway = await rig.start(upstream.origin);
    const { page, problems } = await look(browser, `${gateway.watch}/?client=alice`);
    const rows = page.locator('#open-rows tr th');
    await page.locator('#live.connected').waitFor();
    await rig.stream(gateway, 'alice');
    await rig.stream(gateway, 'mallory');
    await expect.poll(() => rows.allTextContents(), { timeout: WITHIN_MS }).toEqual(['alice']);
    await expect.poll(() => page.locator('#open-summary').textContent(), { timeout: WITHIN_MS }).toBe('1 shown, 2 open in all (2 in relay)');
    await page.getByRole('button', { name: 'Pause' }).click();
    rig.finish();
    await gateway.recorded(2);
    await page.locator('#live.paused').waitFor();
    expect(await rows.allTextContents()).toEqual(['alice']);
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect.poll(() => rows.count(), { timeout: WITHIN_MS }).toBe(0);
    // The operations listener ends: the page says so and keeps what it has.
    await gateway.operations.close();
    await page.locator('#live.lost').waitFor();
    expect(await page.locator('#clients tr').count()).toBe(2);
    expect(problems.filter((problem) => !problem.includes('ERR_'))).toEqual([]);
    await page.context().close();
  });
});
