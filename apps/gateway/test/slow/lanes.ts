/**
 * The slow suite runs in lanes, each one file at a time: `clients` and `rest` beside each other, since both wait for other programs most of
 * the time, then `measured` alone. `rest` is what the two lists do not name.
 */
export const LANES = {
  /** Programs of others: they are installed, started and waited for. */
  clients: ['claude-code', 'cloud-clients', 'codex', 'openai-clients', 'opencode', 'python-clients', 'release', 'sdk'],
  /** Files that read clocks, memory or scrapes, or that need the machine's network to themselves. */
  measured: [
    'admission/keyless-flood', 'admission/request-memory', 'admission/slowloris', 'cluster', 'faults/host-faults', 'hosts', 'identity/many-persons', 'isolation-latency',
    'lifecycle', 'limits-redis', 'prometheus', 'soak', 'state/budget-replicas',
  ],
} as const satisfies Record<string, readonly string[]>;

const FOLDER = 'test/slow';

/** The patterns of a lane's files, and of those that it leaves to the others. */
export function filesOfLane(lane: string): { readonly include: string[]; readonly exclude: string[] } {
  const patterns = (names: readonly string[]): string[] => names.flatMap((name) => [`${FOLDER}/${name}.test.ts`, `${FOLDER}/${name}/**/*.test.ts`]);
  if (lane === 'clients' || lane === 'measured') return { include: patterns(LANES[lane]), exclude: [] };
  if (lane === 'rest') return { include: [`${FOLDER}/**/*.test.ts`], exclude: patterns(Object.values(LANES).flat()) };
  throw new Error(`PENSTOCK_SLOW_LANE is ${lane}: it must be clients, rest or measured`);
}
