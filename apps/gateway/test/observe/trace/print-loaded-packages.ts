import { registerHooks } from 'node:module';

// Run as a process of its own: only there is the list of loaded modules the gateway's.
const packages = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const name = /@opentelemetry\/[\w-]+(?=\/(?!.*\/node_modules\/))/.exec(url)?.[0];
    if (name !== undefined) packages.add(name);
    return nextLoad(url, context);
  },
});

const { startSimulator } = await import('@penstock/anthropic-simulator');
const { readTracingSettings } = await import('../../../src/observe/trace/read-tracing-settings.ts');
const { startTestGateway } = await import('../../start-test-gateway.ts');

const simulator = await startSimulator();
const gateway = await startTestGateway(simulator.origin, {}, { tracing: readTracingSettings(process.env).settings });
for (const path of ['/anthropic/v1/models', '/v1/models']) await (await fetch(gateway.origin + path)).text();
await gateway.close();
await simulator.close();
process.stdout.write(JSON.stringify([...packages].toSorted()));
process.exit();
