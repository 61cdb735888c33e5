import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument } from '../../start-test-gateway.ts';

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);

/** A page that tries everything a page can to make a gateway on loopback spend its key, and writes down what it could read. */
const page = (gateway: string): string => `<!doctype html><title>attack</title><pre id="result">running</pre><script>
const target = ${JSON.stringify(gateway)};
const body = JSON.stringify({ model: 'm', max_tokens: 1, messages: [] });
const attempts = {
  cors: () => fetch(target + '/anthropic/v1/messages?by=cors', { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
  simple: () => fetch(target + '/anthropic/v1/messages?by=simple', { method: 'POST', body, headers: { 'content-type': 'text/plain' } }),
  opaque: () => fetch(target + '/anthropic/v1/messages?by=opaque', { method: 'POST', body, mode: 'no-cors' }),
  read: () => fetch(target + '/anthropic/v1/models?by=read'),
  image: () => new Promise((resolve, reject) => { const image = new Image(); image.onload = resolve; image.onerror = reject; image.src = target + '/anthropic/v1/models?by=image'; }),
  script: () => new Promise((resolve, reject) => { const script = document.createElement('script'); script.onload = resolve; script.onerror = reject; script.src = target + '/anthropic/v1/models?by=script'; document.body.append(script); }),
  beacon: async () => { navigator.sendBeacon(target + '/anthropic/v1/messages?by=beacon', new Blob([body], { type: 'text/plain' })); throw new Error('sent'); },
};
(async () => {
  const results = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try { const answer = await attempt(); results[name] = answer.type === 'opaque' ? 'opaque' : 'read ' + (answer.status ?? ''); } catch (error) { results[name] = 'failed'; }
  }
  document.getElementById('result').textContent = 'done ' + JSON.stringify(results);
})();
</script>`;

let site: Server;
let upstream: ScriptedUpstream;
let gatewayOrigin = '';
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  site = createServer((_request, response) => { response.setHeader('content-type', 'text/html').end(page(gatewayOrigin)); });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
});
afterAll(async () => {
  site.close();
  await upstream.close();
});

/** Opens the attacking page in a real browser; resolves with what the page wrote down. */
async function visit(document: (siteOrigin: string) => ConfigDocument): Promise<Record<string, string>> {
  const siteOrigin = `http://localhost:${(site.address() as AddressInfo).port}`;
  await using gateway = await startTestGateway(upstream.origin, document(siteOrigin));
  gatewayOrigin = gateway.origin;
  const profile = mkdtempSync(join(tmpdir(), 'browser-'));
  const browser = spawn(CHROMIUM as string, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`, '--virtual-time-budget=15000', '--dump-dom', siteOrigin], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  browser.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const timer = setTimeout(() => browser.kill('SIGKILL'), 60_000);
  await once(browser, 'close');
  clearTimeout(timer);
  rmSync(profile, { recursive: true, force: true });
  const results = /done (\{.*?\})/.exec(text)?.[1];
  if (results === undefined) throw new Error(`the page did not finish: ${text.slice(0, 300)}`);
  return JSON.parse(results) as Record<string, string>;
}

test.skipIf(CHROMIUM === undefined)('a page at another origin cannot make a loopback gateway spend the key', async () => {
  const before = upstream.requests.length;
  const results = await visit(() => ({}));
  expect(Object.keys(results).length).toBe(7);
  expect(Object.values(results).filter((result) => result.startsWith('read'))).toEqual([]);
  expect(upstream.requests.slice(before).map(({ startLine }) => startLine)).toEqual([]);
});

test.skipIf(CHROMIUM === undefined)('a page of a listed origin can (so that the other test proves something)', async () => {
  const before = upstream.requests.length;
  const results = await visit((siteOrigin) => ({ server: { cors_origins: [siteOrigin] } }));
  expect(results).toMatchObject({ cors: 'read 200', read: 'read 200' });
  expect(upstream.requests.slice(before).map(({ startLine }) => startLine)).toContain('POST /v1/messages?by=cors HTTP/1.1');
});

test.runIf(CHROMIUM === undefined)('skipped: no Chromium is installed', () => {
  process.stdout.write('SKIPPED: the browser test needs chromium\n');
});
