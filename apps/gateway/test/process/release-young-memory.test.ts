import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../src/process/release-young-memory.ts', import.meta.url).href;
const COLLECTOR = new URL('../../src/process/borrow-collector.ts', import.meta.url).href;

function runAlone(program: string, environment: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): unknown {
  return JSON.parse(execFileSync(process.execPath, [...flags, '--conditions=@penstock/source', '--input-type=module', '--eval', program], { encoding: 'utf8', env: { ...process.env, ...environment } }));
}

/** Three looks at a young generation of 48 MB that does not change, in a process whose collector and clock are noted only. */
function threeLooks(environment: Readonly<Record<string, string>>, flags: readonly string[] = []): unknown {
  return runAlone(`
    import v8 from 'node:v8'; import vm from 'node:vm'; import { syncBuiltinESMExports } from 'node:module';
    const collections = []; const timers = [];
    v8.getHeapSpaceStatistics = () => [{ space_name: 'old_space', space_size: 1, space_used_size: 1 }, { space_name: 'new_space', space_size: 48 << 20, space_used_size: 1 << 20 }];
    vm.runInNewContext = () => (options) => { collections.push(options); };
    globalThis.setInterval = (look, every) => { const timer = { every, keepsProcess: true }; timers.push({ timer, look }); return { unref() { timer.keepsProcess = false; } }; };
    syncBuiltinESMExports();
    (await import(${JSON.stringify(MODULE)})).releaseYoungMemory();
    for (const { look } of timers) { look(); look(); look(); }
    console.log(JSON.stringify({ timers: timers.map(({ timer }) => timer), collections }));`, environment, flags);
}

test('memory of young objects: is collected in a lull, by a timer that does not keep the process', () => {
  expect(threeLooks({ PENSTOCK_PLAIN: '0' })).toEqual({ timers: [{ every: 4_000, keepsProcess: false }], collections: [{ type: 'minor' }] });
});

test('memory of young objects: PENSTOCK_PLAIN leaves V8 as it is', () => {
  expect(threeLooks({ PENSTOCK_PLAIN: '1' })).toEqual({ timers: [], collections: [] });
});

test.each(['--no-memory-reducer', '--no_memory_reducer'])('memory of young objects: stays where Node was started with %s', (flag) => {
  expect(threeLooks({ PENSTOCK_PLAIN: '0' }, [flag])).toEqual({ timers: [], collections: [] });
});

test('the borrowed collector: collects young objects, and leaves no `gc` among the globals', () => {
  const { before, after, isGlobal } = runAlone(`
    import { getHeapSpaceStatistics } from 'node:v8';
    const { borrowCollector } = await import(${JSON.stringify(COLLECTOR)});
    const collect = borrowCollector();
    const used = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_used_size;
    for (let index = 0; index < 1_000; index += 1) Array.from({ length: 10 }, () => ({ index }));
    const before = used();
    collect({ type: 'minor' });
    console.log(JSON.stringify({ before, after: used(), isGlobal: 'gc' in globalThis }));`) as { before: number; after: number; isGlobal: boolean };
  expect(after).toBeLessThan(before);
  expect(isGlobal).toBe(false);
});
