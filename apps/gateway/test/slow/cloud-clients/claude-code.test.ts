import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLAUDE_CODE_VERSION, findClaudeCode } from '../claude-code/claude-code-binary.ts';
import { runClaudeCode } from '../claude-code/run-claude-code.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { CLAUDE_CODE_MODES, type ClaudeCodeMode } from './claude-code-modes.ts';
import { openStraight, openThrough, type CloudPath } from './cloud-paths.ts';

const { program, client } = findClaudeCode();
printSkipped('Claude Code in the modes of its clouds', client);

/** More than the client asks for: probes of models, and the prompt. */
const ANSWERS = 30;

/** How one prompt ended, and where the last message went. */
async function askClaudeCode({ origin, stub, simulator }: CloudPath, asks: RegExp, environment: ClaudeCodeMode['environment']): Promise<unknown> {
  for (let count = 0; count < ANSWERS; count += 1) simulator.reply('The penstock carries it.');
  const folder = mkdtempSync(join(tmpdir(), 'penstock-claude-code-'));
  const { exit, result, isError } = await runClaudeCode({ program, folder, baseUrl: origin, environment: { ANTHROPIC_API_KEY: '', ...environment(origin) } });
  rmSync(folder, { recursive: true, force: true });
  return { exit, result, isError, asked: stub.requests.map(({ url }) => url).findLast((url) => asks.test(url)) };
}

/** A bounded run has the formats of their own, and one cloud that speaks the API's. */
const BOUNDED = new Set(['Amazon Bedrock', 'Vertex AI', 'Microsoft Foundry']);
const MODES = CLAUDE_CODE_MODES.filter(({ name }) => process.env['PENSTOCK_SLOW_BOUNDED'] !== '1' || BOUNDED.has(name));

describe.skipIf('missing' in client)(`Claude Code ${CLAUDE_CODE_VERSION} in the mode of a cloud`, () => {
  // What a program sees without the gateway is compared for the two formats of their own; the others speak the API's.
  test.each(MODES.map((mode) => [mode.name, mode] as const))('%s: answers a prompt through the gateway, whose credential the cloud verifies', async (_name, mode) => {
    await using through = await openThrough(mode.place, mode.key);
    const seen = await askClaudeCode(through, mode.asks, mode.throughGateway ?? mode.environment);
    expect(seen).toMatchObject({ exit: 0, isError: false, result: 'The penstock carries it.', asked: expect.any(String) as unknown });
    expect(through.stub.requests.map(({ problem }) => problem).filter((problem) => problem !== undefined)).toEqual([]);
    if (!mode.hasOwnFormat) return;
    await using straight = await openStraight(mode.verify);
    expect(seen).toEqual(await askClaudeCode(straight, mode.asks, mode.environment));
  }, 120_000);
});
