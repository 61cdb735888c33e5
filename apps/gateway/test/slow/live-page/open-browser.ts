import { spawnSync } from 'node:child_process';
import { chromium, type Browser, type Page } from 'playwright-core';

/** The browser of the system, where there is one; Debian's package is `chromium`. */
export const CHROMIUM: string | undefined = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);

/** How a page is looked at. */
export interface LookOptions {
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly isScriptOff?: boolean;
}

/** A page with everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors of scripts, refused loads, violations of the policy, dialogs. */
  readonly problems: readonly string[];
}

/** Starts the browser; `process` sandboxing needs rights that a container does not give. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = spawnSync('which', [CHROMIUM ?? 'chromium']).stdout.toString().trim();
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--force-device-scale-factor=1'] });
}

/** Opens a page in a context of its own. */
export async function look(browser: Browser, url: string, { colorScheme = 'light', width = 1_600, isScriptOff = false }: LookOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width, height: 1_000 }, colorScheme, javaScriptEnabled: !isScriptOff, locale: 'en-GB', timezoneId: 'UTC' });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text()); });
  page.on('pageerror', (error) => { problems.push(error.message); });
  page.on('requestfailed', (request) => { if (!request.url().includes('/status.events')) problems.push(`${request.url()} failed`); });
  page.on('dialog', (dialog) => {
    problems.push(`dialog ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined);
  });
  await page.goto(url);
  return { page, problems };
}
