// Loaded before a gateway with a store: each SIGWINCH turns what a request does for the ledger and budgets off, or on again. One process is then compared with itself.
import { registerHooks } from 'node:module';

/** 1 while it is off. An element, since code that was compiled for a constant would be thrown away with each change. */
const isOff = new Uint8Array(1);
Object.assign(globalThis, { [Symbol.for('penstock.bench.ledgerOff')]: isOff });
process.on('SIGWINCH', () => { isOff[0] = isOff[0] === 1 ? 0 : 1; });

/** What stands in for a module: it loads the real one by `real`, exports what that exports, and has one export of its own instead. */
interface Switched {
  readonly path: RegExp;
  readonly source: (real: string) => string;
}

const IS_OFF = 'const isOff = globalThis[Symbol.for("penstock.bench.ledgerOff")];';

const SWITCHED: readonly Switched[] = [
  {
    path: /\/gateway\/dist\/ledger\/open-ledger\.js$/,
    source: (real) => `
      export * from '${real}';
      import { openLedger as open } from '${real}';
      ${IS_OFF}
      export async function openLedger(options) {
        const opened = await open(options);
        const { charge, takeBack } = opened;
        return {
          ...opened,
          charge(settled) { if (isOff[0] === 0) charge(settled); },
          takeBack(request) { if (isOff[0] === 0) takeBack(request); },
        };
      }`,
  },
  // A caller without an account has no budget: nothing is decided, and its answer is left as it is.
  {
    path: /\/gateway\/dist\/access\/budgets\/budgets\.js$/,
    source: (real) => `
      export * from '${real}';
      import { createBudgets as create } from '${real}';
      ${IS_OFF}
      export function createBudgets(config, spend, now) {
        const budgets = create(config, spend, now);
        return { ...budgets, accountOf: (key, name, person) => isOff[0] === 0 ? budgets.accountOf(key, name, person) : undefined };
      }`,
  },
  // Where there is a ledger, what a model writes is counted.
  {
    path: /\/anthropic-usage\/dist\/index\.js$/,
    source: (real) => `
      export * from '${real}';
      import { createUsageObserver as create } from '${real}';
      ${IS_OFF}
      const plain = new WeakMap();
      function unmeasured(options) {
        const known = plain.get(options);
        if (known !== undefined) return known;
        const { measuresText, ...others } = options;
        plain.set(options, others);
        return others;
      }
      export function createUsageObserver(options) {
        return create(isOff[0] === 0 || options?.measuresText !== true ? options : unmeasured(options));
      }`,
  },
];

registerHooks({
  load(url, context, nextLoad) {
    const switched = SWITCHED.find(({ path }) => path.test(url));
    return switched === undefined ? nextLoad(url, context) : { format: 'module', source: switched.source(`${url}?real`), shortCircuit: true };
  },
});
