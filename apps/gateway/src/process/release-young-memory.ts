import { getHeapSpaceStatistics } from 'node:v8';
import { PLAIN } from '../config/plain.ts';
import { borrowCollector, type CollectGarbage } from './borrow-collector.ts';
import { LOOK_EVERY_MS, LullWatch, type YoungGeneration } from './lull-watch.ts';

/** V8's own switch against giving memory back in a lull. It takes both spellings. */
const NO_MEMORY_REDUCER = /^--no[-_]?memory[-_]reducer$/;

/**
 * Returns the memory of young objects to the system in a lull: 48 MB after many streams began at once (docs/decisions/0019). V8 would keep it for as
 * long as open streams allocate a little. With `PENSTOCK_PLAIN`, in a Node that was started with `--no-memory-reducer`, and where the runtime offers no collector,
 * the memory stays.
 */
export function releaseYoungMemory(): void {
  if (PLAIN || process.execArgv.some((flag) => NO_MEMORY_REDUCER.test(flag))) return;
  const watch = new LullWatch();
  let collect: CollectGarbage | undefined;
  const look = (): void => {
    const before = youngGeneration();
    if (before === undefined || !watch.isTimeToCollect(before)) return;
    // Only now: most processes need none for hours.
    collect ??= borrowCollector();
    collect?.({ type: 'minor' });
    watch.collected(youngGeneration() ?? before);
  };
  setInterval(look, LOOK_EVERY_MS).unref();
}

function youngGeneration(): YoungGeneration | undefined {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space && { size: space.space_size, used: space.space_used_size };
}
