import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { startSimulator } from '@penstock/anthropic-simulator';
import { openRawConnection, startScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { runPenstock } from '../run-penstock.ts';

const MARK = 'MARKED-SECRET';
const SECRETS = {
  operatorKey: `sk-ant-api03-${MARK}-operator`,
  clientKey: `pen_${MARK}-client-0123456789abcdef`,
  wrongKey: `pen_${MARK}-wrong`,
  cookie: `session=${MARK}-cookie`,
  proxy: `Basic ${MARK}-proxy`,
  prompt: `${MARK} in a prompt`,
  answer: `${MARK} in an answer`,
  header: `${MARK}-header`,
};

/** Every way a request can go wrong or well, with secrets in every place a client can put one. */
function requests(): string[] {
  const body = JSON.stringify({ model: 'sim-echo', max_tokens: 20, messages: [{ role: 'user', content: SECRETS.prompt }] });
  const withKey = (key: string, model = 'sim-echo', fields = '', path = '/anthropic/v1/messages', method = 'POST'): string => {
    const text = method === 'GET' ? '' : body.replace('sim-echo', model);
    return `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: ${key}\r\nCookie: ${SECRETS.cookie}\r\nProxy-Authorization: ${SECRETS.proxy}\r\nX-Secret: ${SECRETS.header}\r\n`
      + `Content-Type: application/json\r\n${fields}Connection: close\r\n${method === 'GET' ? '' : `Content-Length: ${Buffer.byteLength(text)}\r\n`}\r\n${text}`;
  };
  return [
    withKey(SECRETS.clientKey), withKey(SECRETS.wrongKey), withKey(SECRETS.clientKey, 'sim-overloaded'), withKey(SECRETS.clientKey, 'sim-stream-error'),
    withKey(SECRETS.clientKey, 'sim-echo', `Authorization: Bearer ${SECRETS.wrongKey}\r\n`), withKey(SECRETS.clientKey, 'sim-echo', 'Connection: x-api-key\r\n'),
    withKey(SECRETS.clientKey, 'sim-echo', 'anthropic-simulator: cut-at=200\r\n'), withKey(SECRETS.clientKey, 'sim-echo', 'anthropic-simulator: reset-before-head\r\n'),
    withKey(SECRETS.clientKey, 'sim-echo', 'anthropic-simulator: garbage\r\n'), withKey(SECRETS.clientKey, 'sim-echo', `anthropic-simulator: redirect=https://${MARK}.example\r\n`),
    withKey(SECRETS.clientKey, 'sim-echo', 'anthropic-simulator: status=401\r\n'), withKey(SECRETS.clientKey, 'sim-echo', '', `/anthropic/v1/${MARK}`),
    withKey(SECRETS.clientKey, 'sim-echo', '', '/v1/chat/completions'), withKey(SECRETS.wrongKey, 'sim-echo', '', '/v1/chat/completions'),
    withKey(SECRETS.clientKey, 'sim-echo', '', '/anthropic/v1/models', 'GET'), withKey(SECRETS.clientKey, 'sim-echo', '', '/anthropic/health', 'GET'),
    withKey(SECRETS.clientKey).replace('"max_tokens"', `"${MARK}`), `GARBAGE ${MARK}\r\n\r\n`, `GET / HTTP/1.1\r\nHost: ${MARK}\r\nBad ${MARK}\r\n\r\n`,
    `GET /${'x'.repeat(20_000)}${MARK} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ];
}

test('no secret is in logs, metrics, gateway errors, health or what the process prints, on any path', async () => {
  await using simulator = await startSimulator();
  const client = { name: 'alice', key_sha256: createHash('sha256').update(SECRETS.clientKey).digest('hex') };
  await using penstock = await runPenstock({
    document: { anthropic_native: { base_url: simulator.origin, timeouts: { idle: 2 } }, clients: [client], openai_front_door: { models: [{ model: 'sim-*' }] } },
    flags: [], environment: { ANTHROPIC_API_KEY: SECRETS.operatorKey },
  });
  const answers: string[] = [];
  for (const request of requests()) {
    const connection = await openRawConnection(penstock.port);
    connection.send(request);
    await connection.closed();
    answers.push(connection.received().toString('latin1'));
  }
  const sent = simulator.requests.map(({ rawHeaders }) => rawHeaders.join('\n')).join('\n');
  expect(simulator.requests.length).toBeGreaterThan(5);
  for (const secret of [SECRETS.clientKey, SECRETS.wrongKey, SECRETS.cookie, SECRETS.proxy, SECRETS.header]) expect(sent).not.toContain(secret);
  // What the upstream answered may hold the prompt: sim-echo says it back. The gateway's own words may not.
  for (const answer of answers.filter((text) => text.includes('x-penstock-error'))) expect(answer).not.toContain(MARK);
  const metrics = await (await fetch(`${penstock.operations}/metrics`)).text();
  const readiness = await (await fetch(`${penstock.operations}/readyz`)).text();
  // A crash writes its last words: they must be as clean.
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
  for (const [where, text] of Object.entries({ metrics, readiness, stdout: penstock.stdout(), stderr: penstock.stderr() })) {
    expect([where, text.includes(MARK)]).toEqual([where, false]);
  }
  expect(penstock.stdout()).toContain('"msg":"request"');
  expect(penstock.stdout()).toContain('"msg":"credential refused"');
});

test('secrets are in no argument and in no environment but the operator\'s own', async () => {
  await using upstream = await startScriptedUpstream(() => undefined);
  await using penstock = await runPenstock({
    document: { server: { workers: 2 }, anthropic_native: { base_url: upstream.origin, api_key: SECRETS.operatorKey } }, flags: [],
  });
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const parent = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
      return Number(pid) === penstock.child.pid || parent === penstock.child.pid ? [pid] : [];
    } catch {
      return [];
    }
  });
  expect(processes.length).toBe(3);
  for (const pid of processes) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(MARK);
});
