// Draws docs/pictures/live-page.png, the picture of README: node --conditions=@penstock/source test/slow/live-page/draw-live-page.ts
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startTestOperations } from '../../release/start-test-operations.ts';
import { makeIncident, PLAIN_NAMES } from './made-incident.ts';
import { look, openBrowser } from './open-browser.ts';

const FOLDER = resolve(import.meta.dirname, '../../../../../docs/pictures');
const WIDTH = 1_200;
const HEIGHT = 960;

mkdirSync(FOLDER, { recursive: true });
const operations = await startTestOperations({ page: { token: undefined, read: (query) => Promise.resolve(makeIncident(PLAIN_NAMES, query)) } });
const browser = await openBrowser();
const { page } = await look(browser, `http://127.0.0.1:${operations.port}/`, { width: WIDTH });
await page.locator('#live.connected').waitFor();
await page.screenshot({ path: join(FOLDER, 'live-page.png'), clip: { x: 0, y: 0, width: WIDTH, height: HEIGHT } });
await browser.close();
await operations.close();
