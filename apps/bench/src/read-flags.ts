import { parseArgs } from 'node:util';

/** What a run of the benchmark is asked for. */
export interface BenchFlags {
  readonly quick: boolean;
  /** Parts of the names of workloads and scenarios; empty for all. */
  readonly only: readonly string[];
  /** Names of contenders; empty for all. */
  readonly contender: readonly string[];
  readonly rounds: number | undefined;
  readonly launches: number | undefined;
  readonly compare: boolean;
  readonly base: string | undefined;
  readonly peers: boolean;
  readonly out: string;
}

/** What can be chosen. */
export interface BenchNames {
  readonly runs: readonly string[];
  readonly contenders: readonly string[];
}

/** The flags, or what is printed instead of a run: the usage (exit code 0), or what is wrong with a flag (2). */
export type ReadFlags = { readonly flags: BenchFlags } | { readonly text: string; readonly exitCode: 0 | 2 };

/** Reads the command line of the benchmark. */
export function readFlags(args: readonly string[], names: BenchNames): ReadFlags {
  try {
    const { values } = parseArgs({
      args: args.filter((word) => word !== '--'),
      options: {
        help: { type: 'boolean', short: 'h', default: false }, quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true, default: [] },
        contender: { type: 'string', multiple: true, default: [] }, rounds: { type: 'string' }, launches: { type: 'string' }, compare: { type: 'boolean', default: false },
        base: { type: 'string' }, 'no-peers': { type: 'boolean', default: false }, out: { type: 'string', default: 'bench-results' },
      },
    });
    if (values.help) return { text: usageOf(names), exitCode: 0 };
    for (const part of values.only) if (!names.runs.some((name) => name.includes(part))) throw new Error(`--only ${part}: no workload or scenario has this in its name (they are ${names.runs.join(', ')})`);
    for (const name of values.contender) if (!names.contenders.includes(name)) throw new Error(`--contender ${name}: there is none of this name (they are ${names.contenders.join(', ')})`);
    return {
      flags: {
        quick: values.quick, only: values.only, contender: values.contender, rounds: count('--rounds', values.rounds), launches: count('--launches', values.launches), compare: values.compare,
        base: values.base, peers: !values['no-peers'], out: values.out,
      },
    };
  } catch (error) {
    return { text: `${(error as Error).message}\n\n${usageOf(names)}`, exitCode: 2 };
  }
}

function count(flag: string, text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,5}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new Error(`${flag} must be a positive integer, received ${text}`);
}

function usageOf({ runs, contenders }: BenchNames): string {
  return `usage: npx -y pnpm@12 bench [flags]

  --quick             short slices, the gateway alone: about a minute
  --only PART         workloads and scenarios with this in their name; may be repeated
  --contender NAME    this contender beside the floor; may be repeated
  --no-peers          without other gateways
  --rounds N          rounds of each workload
  --launches N        fresh processes of each contender
  --compare           this tree against another commit; exit code 1 when the gateway became dearer
  --base COMMIT       the commit of --compare
  --out FOLDER        where results are written (default: bench-results)

workloads and scenarios: ${runs.join(', ')}
contenders: ${contenders.join(', ')}`;
}
