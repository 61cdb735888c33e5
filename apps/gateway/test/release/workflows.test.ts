// The workflows and images: what may run where, with which rights, and that nothing changes by itself.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HELM_VERSION, readYaml, ROOT } from './deployment.ts';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly needs?: string;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = '.github/workflows';
const files = readdirSync(join(ROOT, FOLDER)).map((name) => `${FOLDER}/${name}`);
const workflows = files.map((file) => [file, readYaml(file) as Workflow] as const);
const jobs = workflows.flatMap(([file, { jobs: named }]) => Object.entries(named).map(([name, job]) => [`${file} ${name}`, job] as const));
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** Jobs with a right beyond reading the repository. */
const privileged = jobs.filter(([, { permissions }]) => permissions !== undefined);

describe('a workflow', () => {
  test.each(workflows)('%s has no right of its own but reading, and is started by no stranger\'s pull request with rights', (_file, workflow) => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(Object.keys(workflow.on).filter((event) => !['push', 'pull_request'].includes(event))).toEqual([]);
  });

  test.each(files)('%s names each action by its commit, with the version beside it', (file) => {
    const uses = [...textOf(file).matchAll(/^.*\buses:.*$/gm)].map(([line]) => line.trim());
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/^- uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('all of them name one commit for each action', () => {
    const named = new Map<string, Set<string>>();
    for (const [, action = '', pin = ''] of files.map(textOf).join('\n').matchAll(/uses: ([\w/-]+)@(.*)/g)) named.set(action, (named.get(action) ?? new Set()).add(pin));
    expect([...named].filter(([, pins]) => pins.size !== 1)).toEqual([]);
  });

  test('a checkout leaves its token behind in no job but the one that pushes', () => {
    const keeping = jobs.filter(([, { steps }]) => steps.some((step) => step.uses?.startsWith('actions/checkout@') === true && step.with?.['persist-credentials'] !== false));
    expect(keeping.map(([name]) => name)).toEqual([`${FOLDER}/release.yml propose`]);
  });
});

describe('a job with a right', () => {
  test('exists for the pull request, for publishing and for tags, each with as few as it needs', () => {
    expect(Object.fromEntries(privileged.map(([name, { permissions }]) => [name, permissions]))).toEqual({
      [`${FOLDER}/release.yml propose`]: { contents: 'write', 'pull-requests': 'write' },
      [`${FOLDER}/release.yml publish`]: { 'id-token': 'write' },
      [`${FOLDER}/release.yml tag`]: { contents: 'write' },
    });
  });

  test.each(privileged)('%s runs nothing of the repository and of its dependencies: an artifact, git, gh and npm publish', (_name, { steps }) => {
    const actions = steps.flatMap(({ uses }) => (uses === undefined ? [] : [uses.split('@')[0]]));
    expect(actions.filter((action) => !['actions/checkout', 'actions/download-artifact', 'actions/setup-node'].includes(String(action)))).toEqual([]);
    for (const { run = '' } of steps) expect(run).not.toMatch(/\b(?:npx|pnpm|yarn|node|turbo|make|docker|curl|wget|bash|sh|eval|source)\b|\bnpm (?!view |publish )|scripts\//);
  });

  test('publishing has no checkout, works on the artifact of the job without rights, runs no script of a package, and needs the environment', () => {
    const publish = jobs.find(([name]) => name.endsWith('release.yml publish'))?.[1];
    const build = jobs.find(([name]) => name.endsWith('release.yml build'))?.[1];
    expect([publish?.needs, publish?.environment, build?.permissions]).toEqual(['build', 'release', undefined]);
    expect(publish?.steps.some(({ uses }) => uses?.startsWith('actions/checkout@') === true)).toBe(false);
    expect(publish?.steps.at(-1)?.run).toContain('npm publish "$package" --access public --provenance --ignore-scripts');
    expect(build?.steps.at(-1)?.uses).toMatch(/^actions\/upload-artifact@/);
  });
});

describe('what a build runs', () => {
  const DOCKERFILE = 'deploy/Dockerfile';
  const node = (readYaml('pnpm-workspace.yaml') as { nodeVersion: string }).nodeVersion;

  test('pnpm is named by one exact version in the workflows and the image', () => {
    const versions = [...files, DOCKERFILE].flatMap((file) => [...textOf(file).matchAll(/pnpm@([\w.]+)/g)].map(([, version = '']) => version));
    expect(versions.length).toBeGreaterThan(5);
    expect([...new Set(versions)]).toEqual([expect.stringMatching(/^12\.\d+\.\d+$/)]);
  });

  test('Node is the version of the workspace, in the workflows and the image', () => {
    const versions = jobs.flatMap(([, { steps }]) => steps.flatMap((step) => (step.uses?.startsWith('actions/setup-node@') === true ? [String(step.with?.['node-version'])] : [])));
    expect(versions.filter((version) => version !== '${{ matrix.node }}' && version !== node)).toEqual([]);
    expect(textOf(DOCKERFILE).match(/^FROM node:(\S+)-slim@/gm)?.map((line) => line.slice('FROM node:'.length, -'-slim@'.length))).toEqual([node, node]);
  });

  test('helm is the version that the tests name', () => {
    expect(textOf(`${FOLDER}/ci.yml`)).toContain(`go install helm.sh/helm/v3/cmd/helm@${HELM_VERSION}\n`);
  });

  test('images are named by version and digest, but for the one that is built here', () => {
    const services = (readYaml('deploy/compose.yaml') as { services: Record<string, { image: string; build?: unknown }> }).services;
    const images = [
      ...[...textOf(DOCKERFILE).matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image),
      ...Object.values(services).filter(({ build }) => build === undefined).map(({ image }) => image),
    ];
    expect(images.length).toBe(4);
    for (const image of images) expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}$/);
  });
});
