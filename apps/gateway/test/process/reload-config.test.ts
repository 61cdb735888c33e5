import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { loadConfig, type LoadedConfig } from '../../src/config/load-config.ts';
import { createReload } from '../../src/process/reload-config.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'penstock-reload-')); });
afterEach(() => rmSync(folder, { recursive: true }));

const write = (file: object): void => writeFileSync(join(folder, 'config.json'), JSON.stringify(file));
const read = (simulate: boolean): LoadedConfig => loadConfig({ argv: {}, environment: {}, workingDirectory: folder, simulate });

interface Reloads {
  readonly reload: () => void;
  readonly applied: GatewayConfig[];
  readonly results: string[];
  readonly logged: Record<string, unknown>[];
}

/** A reload as the product makes it, of the file that is there now. */
function startReloading(simulate: boolean): Reloads {
  const applied: GatewayConfig[] = [];
  const results: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const reload = createReload({
    initial: read(simulate).config, read: () => read(simulate), apply: (config) => { applied.push(config); }, onResult: ({ result }) => { results.push(result); }, onFiles: () => undefined,
    logger: pino({ base: null }, { write: (line: string) => { logged.push(JSON.parse(line) as Record<string, unknown>); } }),
  });
  return { reload, applied, results, logged };
}

describe('a reload', () => {
  test('a reload that would leave the native side without a key: is refused by the rules of the start (the key reloads, the mode that needs it does not)', () => {
    write({ anthropic_native: { api_key: 'sk-ant-api03-hush' } });
    const { reload, applied, results, logged } = startReloading(false);
    write({ anthropic_native: { credentials: 'forward' } });
    reload();
    expect([results, applied]).toEqual([['failure'], []]);
    expect(String(logged[0]?.['problems'])).toContain('anthropic_native.api_key must be an API key when anthropic_native.credentials is "inject", received nothing');
    write({ anthropic_native: { api_key: 'sk-ant-api03-next' } });
    reload();
    expect([results, applied.map(({ anthropic_native: native }) => native.api_key)]).toEqual([['failure', 'success'], ['sk-ant-api03-next']]);
    expect(JSON.stringify(logged)).not.toMatch(/hush|next/);
  });

  test('a reload of a gateway with the simulator: needs no key before or after it', () => {
    write({});
    const { reload, results } = startReloading(true);
    write({ log: { level: 'debug' } });
    reload();
    expect(results).toEqual(['success']);
  });

  test('keeps the keep-alive times, and names them as what needs a restart', () => {
    write({ anthropic_native: { api_key: 'k' } });
    const { reload, applied, logged } = startReloading(false);
    write({ anthropic_native: { api_key: 'k' }, server: { keep_alive_timeout: 610 } });
    reload();
    expect(applied[0]?.server.keep_alive_timeout).toBe(75);
    expect(logged[0]).toMatchObject({ applied: [], restart_required: ['server.keep_alive_timeout'] });
  });
});
