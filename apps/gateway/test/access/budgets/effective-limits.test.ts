// The list of what holds for each caller, with many callers: other work has its turn, and little is looked up.
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { budgetsOfConfig, createBudgetBook, type BudgetBook } from '../../../src/access/budgets/budget-book.ts';
import { createBudgetGate } from '../../../src/access/budgets/budget-gate.ts';
import { createListEffective, MOST_EFFECTIVE_LISTS } from '../../../src/access/spend-limits/effective-limits.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { ORGANIZATION, userScope } from '../../../src/ledger/ledger-entry.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { madeEntry, NOON } from '../../ledger/made-entries.ts';

const CALLERS = 5_000;

let database: SqlDatabase;
let ledger: Ledger;

beforeEach(async () => {
  database = openSqliteDatabase(':memory:');
  ledger = createLedger({ database, now: () => NOON, timing: { flushMs: 20, exchangeMs: 10 } });
  for (let caller = 0; caller < CALLERS; caller += 1) ledger.record(madeEntry(BigInt(caller + 1), { principal: `p${caller}`, kind: 'person', email: `p${caller}@x.example`, scopes: [userScope(`p${caller}`), ORGANIZATION] }));
  await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, { timeout: 60_000, interval: 5 });
});

afterEach(async () => {
  await ledger.close();
  await database.close();
});

interface Rows { readonly data: readonly { readonly actor: { readonly user_id: string; readonly email_address: string } }[]; readonly next_page: string | null }

function listing(): { readonly list: (query: string) => Promise<Rows>; readonly lookUps: () => number } {
  const book = createBudgetBook(budgetsOfConfig(budgetsSection.parse([{ scope: { user: true }, share: 'each', amount_cents: 100 }]), { issuers: [] }));
  const eachOf = vi.fn<BudgetBook['eachOf']>((...asked) => book.eachOf(...asked));
  const gate = createBudgetGate({ spend: ledger, book: { ...book, eachOf }, onFailure: 'open', now: () => NOON });
  const list = createListEffective({ database, gate, identity: () => ({ issuers: [] }), now: () => NOON });
  return { list: (query) => list(new URLSearchParams(query)) as Promise<Rows>, lookUps: () => eachOf.mock.calls.length };
}

test('the budgets of one page alone are looked up, and other work has its turn every 1,000 callers', async () => {
  const { list, lookUps } = listing();
  let [turns, isDone] = [0, false];
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const { data, next_page: next } = await list('period[]=monthly&sort=spend_desc&limit=3');
  isDone = true;
  expect([data.map(({ actor }) => actor.user_id), next]).toEqual([[CALLERS, CALLERS - 1, CALLERS - 2].map((cost) => `p${cost - 1}`), '3']);
  expect(lookUps()).toBe(3);
  expect(turns).toBeGreaterThanOrEqual(CALLERS / 1_000);
});

test('persons that are asked for are found with their addresses, in the order of the question', async () => {
  const { list } = listing();
  const { data } = await list('period[]=monthly&user_ids[]=p4999&user_ids[]=unknown&user_ids[]=p7');
  expect(data.map(({ actor }) => [actor.user_id, actor.email_address])).toEqual([['p4999', 'p4999@x.example'], ['unknown', null], ['p7', 'p7@x.example']]);
});

test('one list more than are made at once is refused, and the next one is not', async () => {
  const { list } = listing();
  const lists = Array.from({ length: MOST_EFFECTIVE_LISTS }, () => list('limit=1'));
  await expect(list('limit=1')).rejects.toMatchObject({ status: 429 });
  await Promise.all(lists);
  expect((await list('limit=1')).data).toHaveLength(1);
});
