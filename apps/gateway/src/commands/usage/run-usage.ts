import { isConfigError } from '../../config/config-error.ts';
import { loadConfig, type LoadConfigOptions } from '../../config/load-config.ts';
import type { UsageReport } from '../../ledger/usage/read-usage.ts';
import { readUsageQuery } from '../../ledger/usage/usage-query.ts';
import { printable, printableJson } from '../../observe/log/printable.ts';
import type { CommandOutput } from '../check.ts';
import { readJsonAnswer } from '../read-json-answer.ts';
import { findOperations } from '../status/find-operations.ts';
import { describeUsage, usageAsCsv } from './describe-usage.ts';

/** The options of `penstock usage`. */
export interface UsageCommandOptions extends Omit<LoadConfigOptions, 'simulate'> {
  /** The operations listener; absent for that of the configuration. */
  readonly url: string | undefined;
  readonly by: string;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly format: 'table' | 'csv' | 'json';
}

const ANSWER_TIMEOUT_MS = 15_000;
/** Bytes of an answer that are read at most: twice what the most rows need. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** A report that could not be read; the message names the remedy. */
class UsageUnreadable extends Error {
  override readonly name = 'UsageUnreadable';
}

const PRINTERS: Readonly<Record<UsageCommandOptions['format'], (report: UsageReport) => string>> = {
  table: describeUsage, csv: usageAsCsv, json: (report) => `${printableJson(JSON.stringify(report, null, 2))}\n`,
};

/** `penstock usage`: prints what was used and spent. Returns 0, or 1 where it could not be read. */
export async function runUsage({ url, by, since, until, format, ...options }: UsageCommandOptions, { stdout, stderr }: CommandOutput): Promise<number> {
  try {
    const { origin } = findOperations(options, url);
    const query = new URLSearchParams({ by, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) });
    stdout.write(PRINTERS[format](await readReport(origin, query, findKey(options, url, query))));
    return 0;
  } catch (error) {
    if (!isConfigError(error) && !(error instanceof UsageUnreadable)) throw error;
    stderr.write(`${printable(error.message)}\n`);
    return 1;
  }
}

/** The key of the environment, else, at the gateway of this machine's configuration, its own. */
function findKey(options: Omit<LoadConfigOptions, 'simulate'>, url: string | undefined, query: URLSearchParams): string {
  const given = options.environment['PENSTOCK_ADMIN_KEY'] ?? '';
  const { read_keys: readKeys, write_keys: writeKeys } = given !== '' || url !== undefined ? { read_keys: [], write_keys: [] } : loadConfig({ ...options, simulate: true }).config.admin;
  const key = given === '' ? readKeys[0] ?? writeKeys[0] : given;
  if (key !== undefined) return key;
  // The gateway judges the query by its own clock. Where it cannot be asked, a wrong date is named before the key: it would be wrong with a key, too.
  const read = readUsageQuery(query, Date.now());
  throw new UsageUnreadable(typeof read === 'string' ? read : 'The usage needs a key: list one in admin.read_keys, and set PENSTOCK_ADMIN_KEY to it where the configuration is not at hand.');
}

async function readReport(origin: string, query: URLSearchParams, key: string): Promise<UsageReport> {
  const { status, document, reason } = await readJsonAnswer({
    url: `${origin}/v1/usage?${query.toString()}`, headers: { 'x-api-key': key }, timeoutMs: ANSWER_TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, subject: 'report',
    unreadable: (message, options) => new UsageUnreadable(message, options),
  });
  if (status === 401) throw new UsageUnreadable(`${origin} refuses the key: it must be one of admin.read_keys or admin.write_keys.`);
  if (status === 404) throw new UsageUnreadable(`${origin} has no /v1/usage: it exists where the gateway has a store and admin.read_keys or admin.write_keys.`);
  if (status !== 200) throw new UsageUnreadable(`${origin} answered ${status}: ${reason}`);
  if (!isReport(document)) throw new UsageUnreadable(`${origin} answered a document that is no usage of version 1.`);
  return document;
}

/** Whether every row can be printed: the server may be any. */
function isReport(document: unknown): document is UsageReport {
  const { version, by, since, until, rows } = (document ?? {}) as Partial<Record<keyof UsageReport, unknown>>;
  return version === 1 && [by, since, until].every((value) => typeof value === 'string') && Array.isArray(rows) && rows.every((row: unknown) => {
    const { name, cost_usd: cost } = (row ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof cost === 'string' && /^-?\d+\.\d{9}$/.test(cost);
  });
}
