import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob, posix } from 'node:path';
import type { ImageCommand, ImagePlace } from './image-place.ts';
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

/** An image that was built from its instructions, each RUN with the seconds that it took. */
export interface BuiltImage {
  readonly took: ReadonlyMap<string, number>;
  readonly entrypoint: readonly string[];
  /** The command of the health check. */
  readonly healthcheck: readonly string[];
  /** A command in a container of the last stage: its user, its directory, its environment, and a root that cannot be written. */
  command(words: readonly string[], environment: Readonly<Record<string, string>>): ImageCommand & { readonly env: Record<string, string> };
}

/** Instructions that change nothing of a file. */
const SETTINGS = ['FROM', 'LABEL', 'ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'STOPSIGNAL', 'ENTRYPOINT', 'CMD'];

/** Does what the instructions of the stages say, without a container engine. An instruction that it does not know is an error: the image would be another one. */
export function runDockerfile(instructions: readonly Instruction[], place: ImagePlace, environment: Readonly<Record<string, string>>): BuiltImage {
  const took = new Map<string, number>();
  const last = instructions.at(-1)?.stage ?? 0;
  const directories = new Map<number, string>();
  for (const { name, rest, stage } of instructions) {
    const directory = directories.get(stage) ?? '/';
    if (name === 'WORKDIR') {
      directories.set(stage, rest);
      mkdirSync(place.fileOf(stage, rest), { recursive: true });
    } else if (name === 'COPY') {
      copy(rest.split(' '), instructions, stage, directory, place);
    } else if (name === 'RUN') {
      const startedAt = performance.now();
      const { file, args, cwd } = place.command(stage, ['/bin/sh', '-c', rest], { directory });
      const { status, stdout, stderr } = spawnSync(file, args, { cwd, env: environment, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
      if (status !== 0) throw new Error(`RUN ${rest} ended with ${status}:\n${stdout}${stderr}`);
      took.set(rest, (performance.now() - startedAt) / 1000);
    } else if (!SETTINGS.includes(name)) throw new Error(`${name} is not known here`);
  }
  const settings = (name: string): string[] => instructions.filter((each) => each.stage === last && each.name === name).map(({ rest }) => rest);
  const words = (text = '[]'): string[] => JSON.parse(text) as string[];
  return {
    took,
    entrypoint: words(settings('ENTRYPOINT')[0]),
    healthcheck: words(settings('HEALTHCHECK')[0]?.replace(/^.*?CMD /, '')),
    command: (given, extra) => ({
      ...place.command(last, given, { directory: directories.get(last) ?? '/', user: settings('USER')[0] ?? '0:0', isReadOnly: true }),
      env: { PATH: environment['PATH'] ?? '', ...Object.fromEntries(settings('ENV').map((text) => text.split('=') as [string, string])), ...extra },
    }),
  };
}

function copy(words: readonly string[], instructions: readonly Instruction[], stage: number, directory: string, place: ImagePlace): void {
  const target = words.at(-1) ?? '';
  const to = place.fileOf(stage, target.startsWith('/') ? target : posix.join(directory, target));
  const from = /^--from=(.*)$/.exec(words[0] ?? '')?.[1];
  if (from !== undefined) {
    const source = instructions.find(({ name, rest }) => name === 'FROM' && rest.endsWith(` AS ${from}`))?.stage ?? NaN;
    const built = place.fileOf(source, words[1] ?? '');
    if (built !== to) cpSync(built, to, { recursive: true, verbatimSymlinks: true });
    return;
  }
  const sources = words.slice(0, -1).flatMap((source) => (source === '.' ? buildContext() : [source]));
  for (const source of sources) cpSync(join(ROOT, source), target.endsWith('/') || target === '.' ? join(to, source) : to, { verbatimSymlinks: true });
}
