import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { sumOf } from '../../observe/metrics/exposition.ts';
import type { SeenTraffic } from './soak-traffic.ts';

/** What the access log and the counters say of the requests that the clients made. */
export interface Account {
  /** What the clients saw, by side and end. */
  readonly seen: ReadonlyMap<string, number>;
  /** Log lines of requests, by side and outcome. */
  readonly recorded: ReadonlyMap<string, number>;
  /** How many requests a client saw end in one way and the gateway in another, or that only one of them knows; by what each of them says. */
  readonly wrong: ReadonlyMap<string, number>;
  /** The log lines of some of them. */
  readonly examples: readonly string[];
  /** Lines of errors, of which there must be none: nothing that was done here is the gateway's fault. */
  readonly complaints: readonly string[];
}

/** Ends that are one for the client and several for the gateway; every other end is the outcome's own name. */
const RECORDED_AS: Readonly<Record<string, readonly string[]>> = {
  // A clock of ours, or the upstream's end.
  broken: ['upstream_truncated', 'upstream_timeout'],
  // A client that leaves after the head cannot know whether the rest was already on its way.
  aborted: ['client_gone', 'ok'],
};

const MAX_EXAMPLES = 10;

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly request_id: string;
  readonly side: string;
  readonly outcome: string;
}

/** Compares what the clients saw with the access log, request by request. */
export async function accountForRequests({ ends, nameless }: SeenTraffic, logFile: string): Promise<Account> {
  const seen = new Map<string, number>();
  for (const end of [...ends.values(), ...nameless]) count(seen, end);
  const recorded = new Map<string, number>();
  const wrong = new Map<string, number>();
  const examples: string[] = [];
  const complaints: string[] = [];
  const unmet = new Map(ends);
  const differ = (end: string, outcome: string, line: string): void => {
    count(wrong, `client: ${end}, gateway: ${outcome}`);
    if (examples.length < MAX_EXAMPLES) examples.push(line);
  };
  for await (const line of createInterface({ input: createReadStream(logFile) })) {
    const { level, msg, request_id: id, side, outcome } = JSON.parse(line) as LogLine;
    if ((level === 'error' || level === 'fatal') && complaints.length < MAX_EXAMPLES) complaints.push(line);
    if (msg !== 'request') continue;
    count(recorded, `${side} ${outcome}`);
    const met = unmet.get(id);
    unmet.delete(id);
    const [metSide, end = ''] = met?.split(' ') ?? [];
    if (metSide !== side || !(RECORDED_AS[end] ?? [end]).includes(outcome)) differ(met ?? 'never saw it, or twice', `${side} ${outcome}`, line);
  }
  for (const end of [...unmet.values(), ...nameless]) differ(end, 'never recorded it', end);
  return { seen, recorded, wrong, examples, complaints };
}

/** Where the counters in an exposition and the access log disagree. */
export function counterDifferences(text: string, { recorded }: Account, outcomes: readonly string[]): string[] {
  return ['native', 'front_door'].flatMap((side) => outcomes.flatMap((outcome) => {
    const [counted, logged] = [sumOf(text, 'penstock_request_outcomes_total', { side, outcome }) ?? 0, recorded.get(`${side} ${outcome}`) ?? 0];
    return counted === logged ? [] : [`${side} ${outcome}: counted ${counted} times, logged ${logged} times`];
  }));
}

function count(tally: Map<string, number>, name: string): void {
  tally.set(name, (tally.get(name) ?? 0) + 1);
}
