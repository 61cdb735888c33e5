import type { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Status } from '../../observe/status/status.ts';
import type { StatusQuery } from '../../observe/status/status-query.ts';
import { LIVE_PARTS } from './page/render-page.ts';

/** Bounds of the open pages. */
export interface PageLimits {
  /** Pages that are open at once. */
  readonly maxPages: number;
  /** Milliseconds between two updates. */
  readonly updateIntervalMs: number;
  /** Milliseconds in which a page must take an update, or its connection is cut. */
  readonly takeTimeoutMs: number;
  /** Milliseconds after which a page is asked to connect anew, which a page that vanished does not; its connection is cut `takeTimeoutMs` later. */
  readonly longestMs: number;
  /** An update that took one millisecond is made again after at least so many: with 20, a large status costs a twentieth of a core at most. */
  readonly restTimes: number;
}

/** The bounds of every operations listener. */
export const PAGE_LIMITS: PageLimits = Object.freeze({ maxPages: 16, updateIntervalMs: 500, takeTimeoutMs: 10_000, longestMs: 15 * 60_000, restTimes: 20 });

/** The updates of the pages that are open. With none, there is no timer and nothing is read. */
export interface StatusEvents {
  /** Begins to send updates; false when all places are taken. */
  open(response: ServerResponse, query: StatusQuery): boolean;
  /** How many pages are open. */
  readonly size: number;
  close(): void;
}

interface Page {
  readonly response: ServerResponse;
  readonly query: StatusQuery;
  readonly key: string;
  /** The texts that the page has, by part. */
  readonly sent: Map<string, string>;
  /** Since when it has not taken the last update. */
  blockedAt: number | undefined;
}

/** Makes the sender of updates. `read` makes one status; pages with the same question share it. */
export function createStatusEvents(read: (query: StatusQuery) => Promise<Status>, limits: PageLimits = PAGE_LIMITS): StatusEvents {
  const pages = new Set<Page>();
  let timer: NodeJS.Timeout | undefined;
  let isUpdating = false;

  async function update(): Promise<void> {
    timer = undefined;
    isUpdating = true;
    const startedAt = performance.now();
    const waiting = new Map<string, Page[]>();
    for (const page of pages) if (isReady(page, limits.takeTimeoutMs)) waiting.set(page.key, [...waiting.get(page.key) ?? [], page]);
    for (const group of waiting.values()) await updateGroup(group).catch(() => { for (const { response } of group) response.destroy(); });
    isUpdating = false;
    schedule(Math.max(limits.updateIntervalMs, limits.restTimes * (performance.now() - startedAt)));
  }

  async function updateGroup(group: readonly Page[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    const status = await read(first.query);
    const texts = Object.entries(LIVE_PARTS).map(([name, render]) => [name, render(status).text] as const);
    for (const page of group) if (!page.response.destroyed) send(page, texts, status.generated_at);
  }

  function schedule(delayMs: number): void {
    if (timer === undefined && !isUpdating && pages.size > 0) timer = setTimeout(() => void update(), delayMs);
  }

  return {
    open(response, query) {
      if (pages.size >= limits.maxPages) return false;
      let expiry = setTimeout(() => {
        response.end();
        // The end waits behind bytes that the page did not take: these may be too few for `writableNeedDrain`.
        expiry = setTimeout(() => response.destroy(), limits.takeTimeoutMs).unref();
      }, limits.longestMs).unref();
      const page: Page = { response, query, key: JSON.stringify(query), sent: new Map(), blockedAt: undefined };
      pages.add(page);
      response.once('close', () => {
        clearTimeout(expiry);
        pages.delete(page);
        if (pages.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      });
      response.writeHead(200, ['content-type', 'text/event-stream', 'cache-control', 'no-store', 'x-accel-buffering', 'no', 'x-content-type-options', 'nosniff']);
      response.flushHeaders();
      schedule(0);
      return true;
    },
    get size() { return pages.size; },
    close() {
      clearTimeout(timer);
      for (const { response } of pages) response.destroy();
    },
  };
}

/** Whether a page took its last update; one that has not for too long is cut. */
function isReady(page: Page, takeTimeoutMs: number): boolean {
  if (!page.response.writableNeedDrain) {
    page.blockedAt = undefined;
    return !page.response.writableEnded;
  }
  page.blockedAt ??= performance.now();
  if (performance.now() - page.blockedAt >= takeTimeoutMs) page.response.destroy();
  return false;
}

/** Sends the parts that changed. */
function send({ response, sent }: Page, texts: readonly (readonly [string, string])[], generatedAt: string): void {
  const changed = texts.filter(([name, text]) => sent.get(name) !== text);
  for (const [name, text] of changed) sent.set(name, text);
  response.write(`data: ${JSON.stringify({ generated_at: generatedAt, parts: Object.fromEntries(changed) })}\n\n`);
}
