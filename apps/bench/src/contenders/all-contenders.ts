import { CONTROL, FLOOR } from '../report/summarize.ts';
import type { Contender } from './contender.ts';
import { PEERS } from './peer-contenders.ts';
import { shippedMain } from './gateway-program.ts';
import { haproxy, nginx } from './native-proxies.ts';
import { direct, floor, penstock, tcpPipe } from './own-contenders.ts';

/** A contender that could not be had. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

const ALL: readonly Contender[] = [direct, nginx, haproxy, tcpPipe, floor(FLOOR), penstock('penstock', 1, { main: shippedMain }), penstock('penstock, 2 workers', 2, { onlyIn: 'workers', main: shippedMain }), floor(CONTROL), ...PEERS];

/** What contenders are called. */
export const CONTENDER_NAMES: readonly string[] = ALL.map(({ name }) => name);

/** The contenders of a run, made ready; names choose some of them, and what cannot be had is told with its reason. */
export async function chooseContenders({ names, withPeers }: { readonly names: readonly string[]; readonly withPeers: boolean }): Promise<{ contenders: readonly Contender[]; skipped: readonly Skipped[] }> {
  const contenders: Contender[] = [];
  const skipped: Skipped[] = [];
  const required = new Set<string>([FLOOR, CONTROL, direct.name]);
  for (const contender of ALL) {
    if (names.length > 0 && !names.includes(contender.name) && !required.has(contender.name)) continue;
    if (contender.isPeer && !withPeers) continue;
    try {
      await contender.prepare?.();
      contenders.push(contender);
    } catch (error) {
      skipped.push({ name: contender.name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { contenders, skipped };
}
