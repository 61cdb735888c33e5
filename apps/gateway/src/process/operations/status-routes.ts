import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { WholeResponse } from '@penstock/inbound-server';
import type { Status } from '../../observe/status/status.ts';
import { MAX_SHARED_MS } from '../../observe/metrics/share-scrapes.ts';
import { readStatusQuery, type StatusQuery } from '../../observe/status/status-query.ts';
import { readPackageFile, type PackageFile } from '../package-files.ts';
import { createPageAccess, type PageAccessOptions, type PageRefusal } from './page-access.ts';
import { PAGE_POLICY, renderPage } from './page/render-page.ts';
import { createStatusEvents, PAGE_LIMITS, type PageLimits } from './status-events.ts';

/** The live page of one operations listener. */
export interface StatusPageOptions extends PageAccessOptions {
  readonly read: (query: StatusQuery) => Promise<Status>;
  /** Shorter clocks, for tests. @defaultValue PAGE_LIMITS */
  readonly limits?: Partial<PageLimits>;
}

/** Answers the paths of the live page. */
export interface StatusPage {
  /** The response for a path; `undefined` for a path of others, `events` where the response is an open event stream. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<WholeResponse | 'events'> | undefined;
  close(): void;
}

/** Texts of the page that are files, with their media types. */
const FILES: Readonly<Record<string, { readonly file: PackageFile; readonly type: string }>> = {
  '/page.css': { file: 'assets/page.css', type: 'text/css; charset=utf-8' }, '/page.js': { file: 'assets/page.js', type: 'text/javascript; charset=utf-8' },
};

/** Fields of every response of the page. */
const GUARDED = [
  'cache-control', 'no-store', 'content-security-policy', PAGE_POLICY, 'x-content-type-options', 'nosniff', 'referrer-policy', 'no-referrer',
  'cross-origin-resource-policy', 'same-origin', 'cross-origin-opener-policy', 'same-origin',
];

/** Different questions that are answered at once; one more is refused. */
const MAX_QUESTIONS = 32;
/** A status that took one millisecond is given for ten. */
const SHARED_TIMES = 10;

/** Makes the live page; loaded with the first request for it. */
export function createStatusPage({ read, limits, ...access }: StatusPageOptions): StatusPage {
  const judgeReader = createPageAccess(access);
  const readShared = createSharedReads(read);
  const events = createStatusEvents(read, { ...PAGE_LIMITS, ...limits });
  const texts = new Map<PackageFile, Buffer>();

  async function answer(request: IncomingMessage, response: ServerResponse, path: string, search: string): Promise<WholeResponse | 'events'> {
    const { refusal, seesPersons } = judgeReader(request);
    if (refusal !== undefined) return describeRefusal(refusal);
    const known = FILES[path];
    if (known !== undefined) {
      const body = texts.get(known.file) ?? Buffer.from(readPackageFile(known.file));
      texts.set(known.file, body);
      return { status: 200, headers: ['content-type', known.type, ...GUARDED], body };
    }
    const asked = readStatusQuery(new URLSearchParams(search));
    if (typeof asked === 'string') return json(400, { error: { message: asked } });
    const query = seesPersons ? { ...asked, showsPersons: true } : asked;
    if (path === '/status.events') {
      if (request.method !== 'GET') return json(405, { error: { message: 'Only GET is allowed here.' } }, ['allow', 'GET']);
      return events.open(response, query) ? 'events' : describeBusy();
    }
    const status = await readShared(query);
    if (status === undefined) return describeBusy();
    return path === '/' ? { status: 200, headers: ['content-type', 'text/html; charset=utf-8', ...GUARDED], body: Buffer.from(renderPage(status, query)) } : json(200, status);
  }

  return {
    answer(request, response) {
      const [path = '', ...rest] = request.url?.split('?') ?? [];
      return path === '/' || path === '/status.json' || path === '/status.events' || FILES[path] !== undefined ? answer(request, response, path, rest.join('?')) : undefined;
    },
    close: () => { events.close(); },
  };
}

function json(status: number, value: unknown, extra: readonly string[] = []): WholeResponse {
  return { status, headers: ['content-type', 'application/json', ...GUARDED, ...extra], body: Buffer.from(JSON.stringify(value)) };
}

function describeBusy(): WholeResponse {
  return json(503, { error: { message: 'Too many pages are open, or too many different questions are asked.' } }, ['retry-after', '5']);
}

function describeRefusal(refusal: Exclude<PageRefusal, undefined>): WholeResponse {
  if (refusal === 'closed') return json(403, { error: { message: 'The live page is closed: operations.host is not a loopback address and operations.token is not set. Probes and metrics are open.' } });
  return json(401, { error: { message: 'The live page needs operations.token or a key of admin.read_keys, as a bearer token or as the password of any user.' } }, ['www-authenticate', 'Basic realm="penstock", charset="UTF-8"']);
}

/** Answers equal questions that come together, and for a moment behind each other, with one status: a script in a loop costs a tenth of a core at most. */
function createSharedReads(read: (query: StatusQuery) => Promise<Status>): (query: StatusQuery) => Promise<Status> | undefined {
  const shared = new Map<string, Promise<Status>>();
  async function readOnce(query: StatusQuery, key: string): Promise<Status> {
    const startedAt = performance.now();
    let keptMs = 0;
    try {
      const status = await read(query);
      keptMs = Math.min(MAX_SHARED_MS, SHARED_TIMES * (performance.now() - startedAt));
      return status;
    } finally {
      setTimeout(() => shared.delete(key), keptMs).unref();
    }
  }
  return (query) => {
    const key = JSON.stringify(query);
    const known = shared.get(key);
    if (known !== undefined || shared.size >= MAX_QUESTIONS) return known;
    const asked = readOnce(query, key);
    shared.set(key, asked);
    return asked;
  };
}
