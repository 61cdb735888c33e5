import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PLAIN } from '../config/plain.ts';

/** V8's own collector; `last-resort` also gives the emptied pages back to the system. */
type CollectGarbage = (options: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void;

/**
 * Runs one full garbage collection, which returns about 16 MB of loading modules and configuration to the system. V8 would keep them: an idle
 * gateway allocates too little to start a full collection. It takes a tenth of a second, so it is called once, before the first request. Without it
 * (`PENSTOCK_PLAIN`) the process works the same with 16 MB more.
 */
export function releaseStartupMemory(): void {
  if (PLAIN) return;
  setFlagsFromString('--expose-gc');
  // Where the runtime offers no collector, the memory stays.
  const collectGarbage = runInNewContext('globalThis.gc') as CollectGarbage | undefined;
  setFlagsFromString('--no-expose-gc');
  collectGarbage?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
