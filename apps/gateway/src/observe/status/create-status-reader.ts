import type { Condition } from '../causes.ts';
import type { Lifecycle } from '../../process/lifecycle.ts';
import type { ConfigState } from './config-state.ts';
import { describeStatus, isoTime } from './describe-status.ts';
import { mergeParts } from './merge-parts.ts';
import type { Status } from './status.ts';
import type { StatusPart } from './status-part.ts';
import type { StatusQuery } from './status-query.ts';
import { findVerdict, severityOf } from './verdict.ts';

/** What the status of a whole gateway is made from. */
export interface StatusReaderOptions {
  readonly version: string;
  readonly lifecycle: Lifecycle;
  readonly config: ConfigState;
  /** The parts of all processes that answered in time. */
  readonly readParts: (query: StatusQuery) => Promise<readonly StatusPart[]>;
  readonly isServing: () => boolean;
  /** What is wrong with parts other than upstreams: a side that could not be started among them. */
  readonly conditions: () => readonly Condition[];
  /** The warnings of `/readyz`. */
  readonly warnings: () => Readonly<Record<string, string>>;
  /** From the first signal until open responses are broken; milliseconds. */
  readonly drainMs: () => number;
}

/** Makes the reader of a gateway's status. Between two questions it does nothing. */
export function createStatusReader(options: StatusReaderOptions): (query: StatusQuery) => Promise<Status> {
  const { version, lifecycle, config } = options;
  const startedAt = isoTime(Date.now());
  return async (query) => {
    const parts = await options.readParts(query);
    const part = mergeParts(parts, query);
    const now = Date.now();
    const since = lifecycle.leavingAt;
    const drain = since === undefined ? undefined : { since, endsAt: since + options.drainMs() };
    const found = findVerdict({ now, part, drain, isServing: options.isServing(), conditions: options.conditions() });
    return describeStatus(part, query, {
      now,
      gateway: { version, state: lifecycle.state, started_at: startedAt, workers: parts.length },
      findings: found.map(({ since: began, ...finding }) => ({ ...finding, since: began === undefined ? null : isoTime(began), severity: severityOf(finding.cause) })),
      warnings: options.warnings(),
      drain: drain === undefined ? null : { since: isoTime(drain.since), ends_at: isoTime(drain.endsAt), open: part.open.total },
      config: config.describe(),
    });
  };
}
