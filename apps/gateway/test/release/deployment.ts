import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load-config.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';

/** The root of the repository. */
export const ROOT: string = resolve(import.meta.dirname, '../../../..');
/** The chart. */
export const CHART: string = join(ROOT, 'deploy/helm/penstock');
/** What the plain manifests are rendered with. */
export const MANIFEST_VALUES: string = join(ROOT, 'deploy/kubernetes/values.yaml');
/** The version whose fields the manifests use. */
export const KUBERNETES_VERSION = '1.33';

/** A Kubernetes object, read loosely: the schemas are checked elsewhere. */
export interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly [field: string]: unknown;
}

const goBin = join(process.env['GOPATH'] ?? join(homedir(), 'go'), 'bin');
const helmPath = [...(process.env['PATH'] ?? '').split(delimiter), goBin].map((folder) => join(folder, 'helm')).find((path) => existsSync(path));

/** Whether the real `helm` can be run; what needs it is skipped with a word otherwise. */
export const HAS_HELM: boolean = helmPath !== undefined;

/** The version that continuous integration installs. */
export const HELM_VERSION = 'v3.18.4';

/** Put behind the name of a test that needs helm. */
export const HELM_NOTE: string = HAS_HELM ? '' : ` (skipped: helm is not installed; go install helm.sh/helm/v3/cmd/helm@${HELM_VERSION})`;

/** Runs helm. */
export function helm(...args: readonly string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(helmPath ?? 'helm', args, { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** Renders the chart as the plain manifests are, with more values laid over it. */
export function render(...values: readonly string[]): string {
  return template(['--skip-tests'], values);
}

/** Renders what `helm test` runs. */
export function renderTests(...values: readonly string[]): string {
  return template(['--show-only', 'templates/tests/answers.yaml'], values);
}

function template(flags: readonly string[], values: readonly string[]): string {
  const { code, stdout, stderr } = helm('template', 'penstock', CHART, ...flags, '--kube-version', `${KUBERNETES_VERSION}.0`, '--namespace', 'default', '-f', MANIFEST_VALUES, ...values.flatMap((value) => ['--set', value]));
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Reads the documents of a YAML text by kind. */
export function manifestsOf(text: string): ReadonlyMap<string, Manifest> {
  const documents = parseAllDocuments(text).map((document) => document.toJS() as Manifest | null).filter((document) => document !== null);
  return new Map(documents.map((document) => [document.kind, document]));
}

/** Reads a YAML or JSON file of the repository. */
export function readYaml(path: string): unknown {
  return parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });
}

/** Loads a configuration as the gateway would, with a key in the environment. */
export function loadText(text: string, simulate = false): GatewayConfig {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-deploy-'));
  writeFileSync(join(folder, 'config.json'), text);
  try {
    return loadConfig({ argv: {}, environment: { ANTHROPIC_API_KEY: 'sk-ant-api03-example' }, workingDirectory: folder, simulate }).config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
