import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openState } from '../../src/state/open-state.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-state-'));
  path = join(folder, 'state.db');
});

afterEach(() => rm(folder, { recursive: true }));

const stateOf = (store: string | undefined): Pick<GatewayConfig, 'state'> => ({ state: { store, on_failure: 'open', flush_interval: 1 } });

test('state: a configuration without a store opens nothing', async () => {
  expect(await openState(stateOf(undefined))).toBeUndefined();
});

test('state: a file that another gateway holds is refused with the cure, and is free once that gateway ends', async () => {
  const first = await openState(stateOf(`sqlite:${path}`));
  await expect(openState(stateOf(`sqlite:${path}`))).rejects.toThrow(/state\.store \(.*state\.db\) is in use by another gateway: .*postgres:\/\/ store/);
  await first?.close();
  await (await openState(stateOf(`sqlite:${path}`)))?.close();
});

test('state: a damaged file is refused with the cure, and is left as it is', async () => {
  await writeFile(path, 'this is no database'.repeat(1_000));
  await expect(openState(stateOf(`sqlite:${path}`))).rejects.toThrow(/state\.store \(.*state\.db\) is damaged \(.*\): put a backup in its place/);
});

test('state: a file that cannot be made is refused with its path and the reason', async () => {
  await expect(openState(stateOf(`sqlite:${join(folder, 'absent', 'state.db')}`))).rejects.toThrow(/state\.store \(.*absent\/state\.db\) cannot be opened: ENOENT/);
});
