import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlocks, guidePages } from '../../guides/code-blocks.ts';
import { createGuideWorld, type GuideWorld } from '../../guides/guide-world.ts';
import { createPythonEnvironment } from './python-environment.ts';

const environment = createPythonEnvironment('anthropic', 'httpx', 'openai');
const note = environment.missing === undefined ? '' : ` (skipped: ${environment.missing})`;
const blocks = guidePages().flatMap(codeBlocks).filter(({ language, purpose }) => language === 'python' && purpose === 'run');

let world: GuideWorld;
beforeAll(async () => { world = await createGuideWorld(); }, 120_000);
afterAll(async () => {
  environment.remove();
  await world[Symbol.asyncDispose]();
});

describe.skipIf(environment.missing !== undefined)(`every Python block of the guides runs as printed${note}`, () => {
  test('there are some', () => expect(blocks.length).toBeGreaterThanOrEqual(5));

  test.each(blocks.map((block) => [block.where, block] as const))('%s', async (_where, block) => {
    const { code, stdout, stderr } = await world.run(block, environment.python);
    expect(code, stderr).toBe(0);
    for (const text of block.prints) expect(stdout).toContain(text);
  });
});
