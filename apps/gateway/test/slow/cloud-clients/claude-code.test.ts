import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import { startCloudStub } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { CLAUDE_CODE_VERSION, findClaudeCode } from '../claude-code/claude-code-binary.ts';
import { runClaudeCode } from '../claude-code/run-claude-code.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { CLAUDE_CODE_MODES } from './claude-code-modes.ts';

const { program, client } = findClaudeCode();
printSkipped('Claude Code in the modes of its clouds', client);

describe.skipIf('missing' in client)(`Claude Code ${CLAUDE_CODE_VERSION} against the stub of a cloud`, () => {
  test.each(CLAUDE_CODE_MODES.map((mode) => [mode.name, mode] as const))('%s: it answers a prompt with a credential that the stub verifies', async (_name, { environment, verify, asks }) => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-claude-code-'));
    await using simulator = await startSimulator();
    await using stub = await startCloudStub({ origin: simulator.origin, verify });
    const { exit, result, isError } = await runClaudeCode({ program, folder, baseUrl: stub.origin, environment: { ANTHROPIC_API_KEY: '', ...environment(stub.origin) } });
    rmSync(folder, { recursive: true, force: true });
    expect({ exit, isError, problems: stub.requests.filter(({ problem }) => problem !== undefined) }).toEqual({ exit: 0, isError: false, problems: [] });
    expect(result).toEqual(expect.stringMatching(/\S/));
    expect(stub.requests.filter(({ url }) => asks.test(url)).length).toBeGreaterThan(0);
  }, 120_000);
});
