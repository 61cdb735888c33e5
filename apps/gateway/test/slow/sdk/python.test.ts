import { afterAll, beforeAll, describe, test } from 'vitest';
import { WAYS, type Way } from '../clients/both-ways.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { expectEqualAccounts } from './expect-equal-accounts.ts';
import { findPythonSdk, PYTHON_SDK, startPythonDriver, type PythonDriver } from './python-driver.ts';
import { SDK_SCENARIOS } from './sdk-scenarios.ts';

const client = findPythonSdk();
printSkipped('the Python SDK, straight and through the gateway', client);

describe.skipIf('missing' in client)(`${PYTHON_SDK} ends as it does without the gateway, and costs the upstream the same`, () => {
  const drivers: Partial<Record<Way, PythonDriver>> = {};
  beforeAll(() => { for (const way of WAYS) drivers[way] = startPythonDriver((client as { folder: string }).folder); });
  afterAll(async () => { for (const driver of Object.values(drivers)) await driver[Symbol.asyncDispose](); });

  test.each(SDK_SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    expectEqualAccounts(scenario, (call, baseUrl) => (drivers[baseUrl.endsWith('/anthropic') ? 'through' : 'straight'] as PythonDriver).drive(call, baseUrl)));
});
