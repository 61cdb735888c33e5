import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8's own collector. A `minor` collection is of young objects; a `major` one of flavor `last-resort` also gives the emptied pages back to the system. */
export type CollectGarbage = (options: { readonly type: 'minor' } | { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void;

/**
 * The function that V8 gives programs started with `--expose-gc`; `undefined` where the runtime offers none. It comes from a context of its own, 1 MB that
 * stays as long as the function, so that the globals of the program are as they were.
 */
export function borrowCollector(): CollectGarbage | undefined {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as CollectGarbage | undefined;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
