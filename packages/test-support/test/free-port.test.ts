import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../src/index.ts';

/** Of 20,000 ports so many that two processes which draw by chance would have one in common, and a process would have one twice. */
const COUNT = 500;
const fileOf = (port: number): string => join(tmpdir(), `penstock-ports-${userInfo().uid}`, String(port));

it('no port is given out twice while those that asked for it run, and an ended process has none', async () => {
  const others = Array.from({ length: 2 }, () => spawn(process.execPath, ['--conditions=@penstock/source', join(import.meta.dirname, 'draw-ports.ts'), String(COUNT)], { stdio: ['pipe', 'pipe', 'inherit'] }));
  const drawn = others.map(async ({ stdout }) => {
    let text = '';
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.endsWith('\n')) break;
    }
    return text.trim().split(' ').map(Number);
  });
  const own: number[] = [];
  while (own.length < COUNT) own.push(await freePort());
  const ofOthers = (await Promise.all(drawn)).flat();
  expect(new Set([...own, ...ofOthers]).size).toBe(3 * COUNT);
  const ended = others.map((child) => once(child, 'exit'));
  for (const child of others) child.stdin.end();
  await Promise.all(ended);
  expect(ofOthers.filter((port) => existsSync(fileOf(port)))).toEqual([]);
  expect(own.filter((port) => !existsSync(fileOf(port)))).toEqual([]);
});
