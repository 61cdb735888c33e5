import { setFlagsFromString } from 'node:v8';
import { PLAIN } from '../config/plain.ts';

/**
 * Has the main thread collect young objects alone, from the next collection on. A request leaves some 45 KB of garbage and next to nothing that
 * survives, so that V8's helper threads have nothing to share: waking them and waiting for them cost a twelfth of the CPU time of a small
 * request, on cores that other workers of the gateway use, and the pauses were no shorter (docs/decisions/0016). `PENSTOCK_PLAIN` leaves V8 as it is.
 */
export function scavengeOnOneThread(): void {
  if (PLAIN) return;
  setFlagsFromString('--no-parallel-scavenge');
}
