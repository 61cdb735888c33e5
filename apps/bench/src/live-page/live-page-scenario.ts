import type { Scenario } from '../scenarios/scenario.ts';
import { describeLivePage, runLivePage } from './run-live-page.ts';

/** The cost of an open live page and of a status with thousands of open streams. */
export const LIVE_PAGE: Scenario = {
  name: 'live-page',
  title: 'Live page',
  async run({ folder, isQuick, onProgress }) {
    const row = await runLivePage(folder, isQuick ? { streams: 1_000, shareMs: 2_000 } : { streams: 8_000, shareMs: 10_000 }, onProgress);
    return { report: describeLivePage(row), figures: row };
  },
};
