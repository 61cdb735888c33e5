import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { watchFiles, type FileWatch } from '../../src/process/watch-files.ts';

function startWatch(files: (folder: string) => readonly string[]): { readonly folder: string; readonly changes: () => number; readonly watch: FileWatch } {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-watch-'));
  for (const name of ['old', 'other']) writeFileSync(join(folder, name), 'old');
  let changes = 0;
  const watch = watchFiles(() => { changes += 1; });
  watch.watch(files(folder));
  onTestFinished(() => {
    watch.stop();
    rmSync(folder, { recursive: true });
  });
  return { folder, changes: () => changes, watch };
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
}

test('a watched file that is replaced at once is a change, and one change only (Node takes its own first look later)', async () => {
  const { folder, changes } = startWatch((at) => [join(at, 'old')]);
  replace(join(folder, 'old'), 'new text');
  await expect.poll(changes).toBe(1);
  replace(join(folder, 'old'), 'a newer text');
  await expect.poll(changes).toBe(2);
});

test('a watched file that was away is a change when it comes, and none when it goes', async () => {
  const { folder, changes } = startWatch((at) => [join(at, 'absent'), join(at, 'old')]);
  rmSync(join(folder, 'old'));
  replace(join(folder, 'absent'), 'here');
  await expect.poll(changes).toBe(1);
  replace(join(folder, 'old'), 'back again');
  await expect.poll(changes).toBe(2);
});

test('a file that is watched no longer is no change', async () => {
  const { folder, changes, watch } = startWatch((at) => [join(at, 'old'), join(at, 'other')]);
  watch.watch([join(folder, 'other')]);
  replace(join(folder, 'old'), 'new text');
  replace(join(folder, 'other'), 'new text');
  await expect.poll(changes).toBe(1);
});
