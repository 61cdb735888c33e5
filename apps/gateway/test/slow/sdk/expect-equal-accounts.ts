import { expect } from 'vitest';
import { bothWays } from '../clients/both-ways.ts';
import type { SdkCall, SdkEnd, SdkScenario } from './sdk-scenarios.ts';

/** Runs a scenario on both ways; both must come to the same, and without the gateway to what the scenario names. */
export async function expectEqualAccounts({ script, call, straight: expected }: SdkScenario, drive: (call: SdkCall, baseUrl: string) => Promise<SdkEnd>): Promise<void> {
  const { straight, through } = await bothWays({ script, drive: (baseUrl) => drive(call, baseUrl) });
  const { requests, fails, ...end } = expected;
  expect({ requests: straight.requests.length, ...straight.end }).toMatchObject({ requests, ...end });
  if (fails === true) expect(straight.end.error).toMatch(/Error$/);
  expect(through).toEqual(straight);
}
