import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@penstock/test-support';
import { compressRules } from './compress-rules.ts';

/** One series of an answer; `values` are pairs of Unix seconds and number. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, number])[];
}

/** What is scraped under one job name. */
export interface ScrapeJob {
  readonly name: string;
  readonly port: number;
  readonly interval: string;
}

/** A real Prometheus that scrapes what it was told, with the repository's rules. */
export interface Prometheus {
  readonly origin: string;
  readonly startedAt: number;
  query(expression: string): Promise<readonly Series[]>;
  queryRange(expression: string, stepSeconds?: number): Promise<readonly Series[]>;
  /** Resolves when an expression has a series; rejects after two minutes. */
  until(expression: string, timeoutMs?: number): Promise<readonly Series[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What is not installed of what is needed here: what needs it is skipped with a word. */
export const MISSING_TOOLS: readonly string[] = ['prometheus', 'promtool', 'ss'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);

/** How many times as fast as in production the rules run. */
export const COMPRESSION = 60;

const RULES = ['penstock-recording.rules.yml', 'penstock-alerts.rules.yml'];

async function writeConfiguration(folder: string, jobs: readonly ScrapeJob[]): Promise<string> {
  for (const name of RULES) {
    const text = await readFile(new URL(`../../../../../deploy/prometheus/${name}`, import.meta.url), 'utf8');
    await writeFile(join(folder, name), compressRules(text, COMPRESSION));
  }
  const scrapeConfigs = jobs.map(({ name, port, interval }) => ({
    job_name: name, scrape_interval: interval, scrape_timeout: interval, static_configs: [{ targets: [`127.0.0.1:${port}`] }],
  }));
  const file = join(folder, 'prometheus.yml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ global: { evaluation_interval: '500ms' }, rule_files: RULES, scrape_configs: scrapeConfigs }));
  return file;
}

interface ApiAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly metric: Record<string, string>; readonly value?: [number, string]; readonly values?: [number, string][] }[] };
}

async function ask(url: URL): Promise<readonly Series[]> {
  const answer: ApiAnswer = JSON.parse(await (await fetch(url)).text());
  if (answer.status !== 'success' || answer.data === undefined) throw new Error(`${url.searchParams.get('query')}: ${answer.error}`);
  return answer.data.result.map(({ metric, value, values }) => ({
    metric, values: (values ?? (value === undefined ? [] : [value])).map(([at, number]): [number, number] => [at, Number(number)]),
  }));
}

async function isReady(origin: string): Promise<boolean> {
  try {
    return (await fetch(`${origin}/-/ready`)).ok;
  } catch {
    return false;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** Starts Prometheus on a free loopback port. */
export async function startPrometheus(jobs: readonly ScrapeJob[]): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-prometheus-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn('prometheus', [
    `--config.file=${await writeConfiguration(folder, jobs)}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`,
    '--query.lookback-delta=5s', '--log.level=warn',
  ], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const startedAt = Date.now() / 1000;
  while (!await isReady(origin)) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
    await pause(100);
  }
  const query = (expression: string): Promise<readonly Series[]> => ask(new URL(`${origin}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`));
  return {
    origin, startedAt, query,
    queryRange(expression, stepSeconds = 1) {
      const range = { query: expression, start: String(startedAt), end: String(Date.now() / 1000), step: String(stepSeconds) };
      return ask(new URL(`${origin}/api/v1/query_range?${new URLSearchParams(range).toString()}`));
    },
    async until(expression, timeoutMs = 120_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = await query(expression);
        if (found.length > 0) return found;
        if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${expression}`);
        await pause(200);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
