import { basename, dirname } from 'node:path';
import { codeBlocks, readmes, type CodeBlock } from './code-blocks.ts';
import type { ExampleWorld, Question } from './example-world.ts';

const SCRIPTS = new Set(['js', 'javascript', 'mjs', 'ts', 'typescript']);

const post = (path: string, body: unknown): Question => (origin) => fetch(origin + path, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(60_000),
});
const get = (path: string): Question => (origin) => fetch(origin + path, { signal: AbortSignal.timeout(60_000) });
const MESSAGE = { model: 'claude-haiku-4-5', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] };

/** What is asked of the example that serves, by package. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  'claude-code-gateway': get('/.well-known/oauth-authorization-server'),
  'inbound-server': get('/'),
  'json-envelope': post('/', MESSAGE),
  'openai-front-door': post('/v1/chat/completions', MESSAGE),
  proxy: post('/v1/messages', { ...MESSAGE, stream: true }),
  'sse-relay': post('/', { ...MESSAGE, stream: true }),
  'upstream-metrics': get('/metrics'),
};

/** Whether a block is a script, in TypeScript or not. */
export function isScript({ language }: CodeBlock): boolean {
  return SCRIPTS.has(language);
}

/** The scripts in the README of the repository and of each package and app. */
export function readmeExamples(): readonly CodeBlock[] {
  return readmes().flatMap(codeBlocks).filter(isScript);
}

/** How the example of a README is tried: the second word behind its fence. `excerpt` stands for a part of a source file. */
export type ExamplePurpose = 'run' | 'serve' | 'test' | 'excerpt';

/** Tries an example as its fence asks for, and returns what it printed or answered. Rejects where it fails, or serves anything but 200. */
export async function tryExample(world: ExampleWorld, block: CodeBlock): Promise<string> {
  if (block.purpose === 'run') return await world.run(block);
  if (block.purpose === 'test') return await world.runTest(block);
  const question = QUESTIONS[basename(dirname(block.where))];
  if (question === undefined) throw new Error(`${block.where}: QUESTIONS has no question for this example`);
  const answer = await world.serve(block, question);
  if (!answer.startsWith('200 ')) throw new Error(`${block.where} answered ${answer}`);
  return answer;
}

/** The text that shows that an example did what it is for. */
export function expectedTexts(block: CodeBlock): readonly string[] {
  return block.purpose === 'test' ? ['1 passed'] : block.prints;
}
