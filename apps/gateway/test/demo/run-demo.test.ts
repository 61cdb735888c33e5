import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { scrubbedEnvironment, startScriptedUpstream, answerAlways, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { createDemoPage } from '../../src/demo/demo-page.ts';
import { runDemo } from '../../src/demo/run-demo.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const page = (): { text: string; output: { write(part: string): void } } => {
  const written = { text: '', output: { write: (part: string): void => { written.text += part; } } };
  return written;
};

test('every claim that the demonstration prints against the simulator holds, and the exit code says so', async () => {
  const child = spawn(process.execPath, ['--conditions=@penstock/source', MAIN, 'demo'], { env: scrubbedEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const [code] = await once(child, 'close') as [number];
  expect(text.match(/\[FAILS\].*\n.*/g) ?? []).toEqual([]);
  expect(text.match(/\[holds\]/g)?.length).toBeGreaterThanOrEqual(25);
  for (const number of [1, 2, 3, 4, 5, 6, 7]) expect(text).toContain(`== ${number}. `);
  expect(text).toContain('THE BUILT-IN SIMULATOR answers');
  // Not a terminal: the output has no escape sequences.
  expect(text).not.toContain('\u001b');
  expect(code).toBe(0);
});

test('a claim that does not hold makes the demonstration fail, and is named at the end', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}')));
  const config = gatewayConfigSchema.parse({ anthropic_native: { base_url: upstream.origin, api_key: 'key' } });
  const written = page();
  expect(await runDemo({ config, model: 'm', hasColours: false, output: written.output })).toBe(false);
  expect(written.text).toContain('claims FAILED');
  expect(written.text).toContain('[FAILS] the model calls get_weather');
});

test('colours are written only when they are wanted, and what an upstream says cannot steer the terminal', () => {
  const [plain, coloured] = [page(), page()];
  for (const [written, hasColours] of [[plain, false], [coloured, true]] as const) {
    const sheet = createDemoPage(written.output, hasColours);
    sheet.title('t');
    sheet.show('label', 'a\u001b[2Jb\nc');
    sheet.claim('c', true);
  }
  expect(plain.text).not.toContain('\u001b');
  expect(coloured.text).toContain('\u001b[');
  expect(coloured.text).not.toContain('\u001b[2J');
});
