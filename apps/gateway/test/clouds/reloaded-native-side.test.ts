import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { changesBetween, mergeReloaded } from '../../src/config/changes-between.ts';
import { isConfigError } from '../../src/config/config-error.ts';
import { nativeUpstreams, servesNative } from '../../src/config/native-upstreams.ts';
import { attemptLoad } from '../config/config-folder.ts';
import { startTestGateway, TEST_KEY } from '../start-test-gateway.ts';
import { cloudSections, MESSAGE, post } from './cloud-gateway.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';

const MESSAGES = '/anthropic/v1/messages';

interface Named {
  readonly name: string;
  readonly config: GatewayConfig;
}

/** Every sound configuration of these settings, which together decide whether there is a native side. */
function soundConfigurations(origin: string): Named[] {
  const { bedrock, vertex } = cloudSections(origin);
  const clouds = { none: {}, bedrock: { bedrock }, both: { bedrock, vertex } };
  const credentials = { inject: {}, forward: { credentials: 'forward' } };
  const keys = { 'no key': {}, 'a key': { base_url: origin, api_key: TEST_KEY }, 'another key': { base_url: origin, api_key: `${TEST_KEY}-2` }, origin: { base_url: origin } };
  const upstreams = { 'short form': {}, list: { upstreams: [{ name: 'a', base_url: origin, credential: { api_key: TEST_KEY } }] } };
  return Object.entries(clouds).flatMap(([cloud, sections]) => Object.entries(credentials).flatMap(([way, credential]) => Object.entries(keys).flatMap(([key, short]) => Object.entries(upstreams).flatMap(([form, list]) => {
    const file = { ...sections, server: { port: 0 }, anthropic_native: { ...credential, ...short, ...list } };
    const loaded = attemptOrNone(() => attemptLoad({ file, environment: {} }).config);
    return loaded === undefined ? [] : [{ name: `${cloud}, ${way}, ${key}, ${form}`, config: loaded }];
  }))));
}

/** What a load or a merge gives, or none where it is refused. */
function attemptOrNone(load: () => GatewayConfig): GatewayConfig | undefined {
  try {
    return load();
  } catch (error) {
    if (isConfigError(error)) return undefined;
    throw error;
  }
}

describe('a reload beside a cloud', () => {
  it('from an injected key to forwarded credentials keeps the key, names both for a restart, and the native side goes on', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
    const sections = { ...cloudSections(upstream.origin), server: { port: 0 } };
    const load = (native: object): GatewayConfig => attemptLoad({ file: { ...sections, anthropic_native: { base_url: upstream.origin, ...native } }, environment: {} }).config;
    const [before, after] = [load({ api_key: TEST_KEY }), load({ credentials: 'forward' })];
    expect(changesBetween(before, after)).toEqual({ applied: [], restartRequired: ['anthropic_native.api_key', 'anthropic_native.credentials'] });
    await using gateway = await startTestGateway(upstream.origin, sections);
    gateway.update(mergeReloaded(before, after, { simulate: false }));
    const answer = await post(gateway, MESSAGES);
    expect([answer.status, await answer.text(), (await fetch(`${gateway.anthropic}/health`)).status]).toEqual([200, MESSAGE, 200]);
    expect(gateway.upstreams().map(({ name }) => name)).toContain('native');
  });

  it('neither begins nor ends the native side, in any mix of kept and new values, and reports what the mix took', () => {
    const configurations = soundConfigurations('http://127.0.0.1:1');
    let merges = 0;
    for (const { name: from, config: before } of configurations) {
      for (const { name: to, config: after } of configurations) {
        const merged = attemptOrNone(() => mergeReloaded(before, after, { simulate: false }));
        if (merged === undefined) continue;
        merges += 1;
        const { restartRequired } = changesBetween(before, after);
        expect([servesNative(merged), nativeUpstreams(merged).length > 0], `${from} -> ${to}`).toEqual([servesNative(before), servesNative(before)]);
        expect([changesBetween(before, merged).restartRequired, changesBetween(merged, after).applied], `${from} -> ${to}`).toEqual([[], []]);
        expect(changesBetween(merged, after).restartRequired.toSorted(), `${from} -> ${to}`).toEqual(restartRequired.toSorted());
      }
    }
    // Both kinds are among them, and most pairs merge.
    expect(new Set(configurations.map(({ config }) => servesNative(config)))).toEqual(new Set([true, false]));
    expect(merges).toBeGreaterThan(configurations.length ** 2 / 2);
  });

  it('is applied by a running gateway in every mix that is accepted, one after the other', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
    const configurations = soundConfigurations(upstream.origin);
    const { bedrock } = cloudSections(upstream.origin);
    await using gateway = await startTestGateway(upstream.origin, { bedrock });
    const first = attemptLoad({ file: { bedrock, server: { port: 0 }, anthropic_native: { base_url: upstream.origin, api_key: TEST_KEY } }, environment: {} }).config;
    for (const { name, config } of configurations) {
      const merged = attemptOrNone(() => mergeReloaded(first, config, { simulate: false }));
      if (merged === undefined) continue;
      gateway.update(merged);
      expect((await post(gateway, MESSAGES)).status, name).toBe(200);
    }
  });
});

it('a configuration without a native side is refused by a gateway that runs one, before any of it is applied', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
  const sections = cloudSections(upstream.origin);
  await using gateway = await startTestGateway(upstream.origin, sections);
  const without = attemptLoad({ file: { ...sections, server: { port: 0 }, clients: [{ name: 'a', key_sha256: 'a'.repeat(64) }] }, environment: {} }).config;
  expect(() => { gateway.update(without); }).toThrow('no upstream of the Anthropic API');
  // Its clients are not known: a request without a key of one is served as before.
  expect((await post(gateway, MESSAGES)).status).toBe(200);
});
