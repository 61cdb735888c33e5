import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { codeBlocks, guidePages } from './code-blocks.ts';
import { createGuideWorld, type GuideWorld } from './guide-world.ts';

const blocks = guidePages().flatMap(codeBlocks);
const named = (list: typeof blocks): (readonly [string, (typeof blocks)[number]])[] => list.map((block) => [block.where, block]);

let world: GuideWorld;
beforeAll(async () => { world = await createGuideWorld(); }, 90_000);
afterAll(async () => { await world[Symbol.asyncDispose](); });

describe('every block that is marked to be run runs as printed', () => {
  const runnable = blocks.filter(({ language, purpose }) => purpose === 'run' && language !== 'python');
  test('there are such blocks on most pages', () => {
    expect(runnable.length).toBeGreaterThan(15);
  });
  test.each(named(runnable))('%s', async (_where, block) => {
    const { code, stdout, stderr } = await world.run(block);
    expect(code, stderr).toBe(0);
    expect(stdout.trim()).not.toBe('');
    for (const text of block.prints) expect(stdout).toContain(text);
  });
});

test.each(named(blocks.filter(({ purpose }) => purpose === 'config')))('%s is a configuration that the gateway takes', (_where, block) => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-guide-config-'));
  writeFileSync(join(folder, 'config.json'), block.code);
  const environment = { ANTHROPIC_API_KEY: 'sk-ant-api03-example', REDIS_URL: 'redis://127.0.0.1:6379' };
  expect(loadConfig({ argv: {}, environment, workingDirectory: folder }).sourcePath).toBeDefined();
  rmSync(folder, { recursive: true });
});

test.each(named(blocks.filter(({ language, where }) => language === 'ts' && where.startsWith('docs/guides/'))))('%s runs as JavaScript too, as the page says', (_where, { code }) => {
  expect(stripTypeScriptTypes(code)).toBe(code);
});

test('the n8n workflow is one that n8n can import: nodes are connected by their names', () => {
  const [workflow] = codeBlocks('docs/guides/n8n.md').filter(({ purpose }) => purpose === 'n8n');
  const { nodes, connections } = JSON.parse(workflow?.code ?? '') as { nodes: { name: string }[]; connections: Record<string, { main: { node: string }[][] }> };
  const names = nodes.map(({ name }) => name);
  for (const [from, { main }] of Object.entries(connections)) expect(names).toEqual(expect.arrayContaining([from, ...main.flat().map(({ node }) => node)]));
});
