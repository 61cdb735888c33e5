import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { mustRun, ROOT } from './workspace.ts';

/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
  /** Which stage it belongs to, from 0. */
  readonly stage: number;
}

/** Reads the instructions of the image, continued lines joined. */
export function readDockerfile(): readonly Instruction[] {
  let stage = -1;
  return readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '').split('\n').flatMap((line) => {
    const [, name, rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === undefined) return [];
    if (name === 'FROM') stage += 1;
    return [{ name, rest, stage }];
  });
}

/** What `COPY . .` would send: the files of the repository without those of .dockerignore. */
function buildContext(): readonly string[] {
  const ignored = readFileSync(join(ROOT, 'deploy/Dockerfile.dockerignore'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const files = mustRun('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']).split('\0').filter((file) => file !== '');
  const parents = (file: string): string[] => file.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  return files.filter((file) => !parents(file).some((path) => ignored.some((pattern) => matchesGlob(path, pattern))));
}

/**
 * Does what the instructions of the stages say, without a container engine: `/penstock` and `/app` are folders below `root`, and programs are those of this
 * machine. Returns how long each RUN took, in seconds. An instruction that it does not know is an error: the image would be another one.
 */
export function runDockerfile(instructions: readonly Instruction[], root: string, environment: Readonly<Record<string, string>>): ReadonlyMap<string, number> {
  const inside = (text: string): string => text.replaceAll(/(?<=^|[\s"])\/(?=app\b|penstock\b)/g, `${root}/`);
  const took = new Map<string, number>();
  let directory = root;
  for (const { name, rest } of instructions) {
    if (name === 'WORKDIR') mkdirSync(directory = inside(rest), { recursive: true });
    else if (name === 'COPY' && !rest.startsWith('--from=')) copy(rest.split(' '), directory, inside);
    else if (name === 'RUN') {
      const startedAt = performance.now();
      const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', inside(rest)], { cwd: directory, env: environment, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
      if (status !== 0) throw new Error(`RUN ${rest} ended with ${status}:\n${stdout}${stderr}`);
      took.set(rest, (performance.now() - startedAt) / 1000);
    } else if (!['FROM', 'COPY', 'LABEL', 'ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'STOPSIGNAL', 'ENTRYPOINT', 'CMD'].includes(name)) throw new Error(`${name} is not known here`);
  }
  return took;
}

function copy(words: readonly string[], directory: string, inside: (text: string) => string): void {
  const target = words.at(-1) ?? '';
  const to = target.startsWith('/') ? inside(target) : join(directory, target);
  const sources = words.slice(0, -1).flatMap((source) => (source === '.' ? buildContext() : [source]));
  for (const source of sources) cpSync(join(ROOT, source), target.endsWith('/') || target === '.' ? join(to, source) : to, { verbatimSymlinks: true });
}
