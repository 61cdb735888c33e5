import { answerAlways, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, describe, expect, test } from 'vitest';
import { REQUEST_CORPUS, type MarkedCase } from '../../admission/corpus/request-corpus.ts';
import { runRequestCase } from '../../admission/run-request-case.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { installedProxies, startReferenceProxy } from './reference-proxies.ts';

const PROXIES = installedProxies();
const AT_ONCE = 16;
const CASES = REQUEST_CORPUS.filter(({ verdict }) => verdict !== 'wait');

/** What we forward although every reference refuses it, and why that is right. */
const EXPLAINED: Readonly<Record<string, string>> = {};

const startUpstream = (): Promise<ScriptedUpstream> => startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));

/** The names of the cases whose own request reached the upstream behind `port`. */
async function forwardedCases(port: number, upstream: ScriptedUpstream): Promise<Set<string>> {
  const waiting = [...CASES];
  const answered = new Map<string, number>();
  const worker = async (): Promise<void> => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      const run = await runRequestCase(port, one).catch(() => undefined);
      answered.set(one.id, run?.responses[0] === undefined ? 0 : statusOf(run.responses[0]));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const seen = upstream.connections.map((connection) => connection.received().toString('latin1')).join('\n');
  return new Set(CASES.filter((one: MarkedCase) => seen.includes(`case=${one.id}`) && answered.get(one.id) === 200).map(({ name }) => name));
}

describe.skipIf(PROXIES.length < 2)(`the corpus against ${PROXIES.join(', ') || 'no reference proxy: install two of nginx, haproxy, apache2'}`, () => {
  const upstreams: ScriptedUpstream[] = [];
  afterAll(async () => { for (const upstream of upstreams) await upstream.close(); });

  test('a request that every reference parser refuses is not forwarded', async () => {
    const ownUpstream = await startUpstream();
    upstreams.push(ownUpstream);
    await using gateway = await startTestGateway(ownUpstream.origin);
    const ours = await forwardedCases(gateway.port, ownUpstream);
    const theirs: Array<readonly [string, Set<string>]> = [];
    for (const name of PROXIES) {
      const upstream = await startUpstream();
      upstreams.push(upstream);
      const proxy = await startReferenceProxy(name, upstream.port);
      theirs.push([name, await forwardedCases(proxy.port, upstream)]);
      await proxy.close();
    }
    for (const [name, forwarded] of theirs) {
      const stricter = CASES.filter((one) => forwarded.has(one.name) && !ours.has(one.name)).length;
      process.stdout.write(`${name} forwards ${forwarded.size} of ${CASES.length}, we ${ours.size}; ${stricter} of theirs we refuse; ours it refuses: ${[...ours].filter((one) => !forwarded.has(one)).join(' | ')}\n`);
      expect(forwarded.size).toBeGreaterThan(20);
    }
    const alone = [...ours].filter((name) => theirs.every(([, forwarded]) => !forwarded.has(name)) && EXPLAINED[name] === undefined);
    expect(alone).toEqual([]);
  });
});

test.runIf(PROXIES.length < 2)('skipped: two reference proxies of nginx, haproxy and apache2 are not installed', () => {
  process.stdout.write('SKIPPED: the differential suite needs two of nginx, haproxy, apache2\n');
});
