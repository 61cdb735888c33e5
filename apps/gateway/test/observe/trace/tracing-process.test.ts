import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { runPenstock } from '../../run-penstock.ts';
import { startCollector } from './start-collector.ts';

/** Runs a gateway for one request and returns the OpenTelemetry packages that its process loaded. */
async function loadedPackages(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=@penstock/source', resolve(import.meta.dirname, 'print-loaded-packages.ts')], {
    env: scrubbedEnvironment(environment), stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  await once(child, 'close');
  return JSON.parse(output) as string[];
}

test('switched off, no module of OpenTelemetry is loaded (prom-client itself loads the API package, and nothing more)', async () => {
  expect(await loadedPackages({})).toEqual(['@opentelemetry/api']);
  expect(await loadedPackages({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })).toEqual(['@opentelemetry/api']);
  // The same look at a process that traces: it sees what it looks for.
  expect(await loadedPackages({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })).toEqual(expect.arrayContaining(['@opentelemetry/sdk-trace', '@opentelemetry/exporter-trace-otlp-proto']));
});

test('every worker traces, and sends what it has before it ends', async () => {
  const collector = await startCollector();
  await using penstock = await runPenstock({
    document: { server: { workers: 2 } },
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '600000',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=collector-secret', OTEL_TRACES_SAMPLER_ARG: 'nonsense',
    },
  });
  // A connection goes to one worker after the other; none is kept.
  for (let index = 0; index < 8; index += 1) await (await fetch(`${penstock.origin}/anthropic/v1/models`, { headers: { connection: 'close' } })).text();
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
  expect(collector.spans).toHaveLength(16);
  expect(new Set(collector.spans.map(({ resource }) => resource['process.pid'])).size).toBe(2);
  expect(penstock.stderr()).toContain('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  expect(penstock.stdout() + penstock.stderr()).not.toContain('collector-secret');
  await collector.close();
});

test.each([1, 2])('with %i process(es), a collector that never answers does not hold the shutdown', async (workers) => {
  const collector = await startCollector({ silent: true });
  await using penstock = await runPenstock({ document: { server: { workers } }, environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin, OTEL_EXPORTER_OTLP_TIMEOUT: '600000' } });
  await (await fetch(`${penstock.origin}/anthropic/v1/models`, { headers: { connection: 'close' } })).text();
  const begun = performance.now();
  penstock.child.kill('SIGTERM');
  expect(await penstock.exited).toBe(0);
  const took = performance.now() - begun;
  expect(took).toBeGreaterThan(1_900);
  // Its own clock ended it, and not the exporter's of ten minutes.
  expect(took).toBeLessThan(45_000);
  await collector.close();
});
