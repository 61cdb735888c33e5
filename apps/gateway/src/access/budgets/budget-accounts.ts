import type { SpendScope } from '../../ledger/ledger-entry.ts';
import type { Person, Principal } from '../identity/principal.ts';
import type { LimitedBudget } from './budget-book.ts';
import type { BudgetAccount } from './budget-state.ts';
import { ownScope } from './counted-scope.ts';

/** The accounts of callers. */
export interface BudgetAccounts {
  /** The account of a caller: of a person that of the token with which it calls. */
  find(counterKey: string, name: string, person: Person | undefined): BudgetAccount;
  /** What is remembered of a person. */
  personOf(scope: SpendScope): BudgetAccount['principal'] | undefined;
  /** The budgets changed: each account is made anew at the next call. Names and groups of persons are remembered. */
  renew(): void;
  /** Forgets all callers. */
  forget(): void;
  readonly size: number;
}

/** What accounts are made with. */
export interface BudgetAccountsOptions {
  readonly mostAccounts: number;
  readonly resolve: (principal: Principal) => readonly LimitedBudget[];
  readonly isCapped: (budgets: readonly LimitedBudget[]) => boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Lists of groups that are shared. */
const MOST_LISTS = 1_000;
const NO_GROUPS: readonly string[] = Object.freeze([]);

/** Makes them. A person is found by its token, which is not kept alive for it; what stays of a person is its account, about 250 bytes. */
export function createBudgetAccounts({ mostAccounts, resolve, isCapped, now }: BudgetAccountsOptions): BudgetAccounts {
  const clients = new Map<string, BudgetAccount>();
  const persons = new Map<SpendScope, BudgetAccount>();
  let byToken = new WeakMap<Person, BudgetAccount>();
  const share = createListSharing();

  function open(principal: Principal, own: SpendScope): BudgetAccount {
    const budgets = resolve(principal);
    const remembered = { name: principal.name, groups: principal.kind === 'person' ? share(principal.groups) : NO_GROUPS, seenAt: now() };
    return { principal: remembered, own, budgets, isCapped: isCapped(budgets), standing: undefined };
  }

  function openPerson(person: Person): BudgetAccount {
    const scope = ownScope(person);
    const known = persons.get(scope);
    // The token that was verified last has the groups that count.
    const account = open(person, known?.own ?? scope);
    persons.delete(scope);
    forgetOldest(persons, mostAccounts);
    persons.set(account.own, account);
    byToken.set(person, account);
    return account;
  }

  function openClient(counterKey: string, name: string): BudgetAccount {
    const principal: Principal = { kind: 'client', name };
    const account = open(principal, ownScope(principal));
    forgetOldest(clients, mostAccounts);
    clients.set(counterKey, account);
    return account;
  }

  return {
    find(counterKey, name, person) {
      if (person === undefined) return clients.get(counterKey) ?? openClient(counterKey, name);
      return byToken.get(person) ?? openPerson(person);
    },
    personOf: (scope) => persons.get(scope)?.principal,
    renew() {
      clients.clear();
      byToken = new WeakMap();
    },
    forget() {
      clients.clear();
      persons.clear();
      byToken = new WeakMap();
    },
    get size() {
      return clients.size + persons.size;
    },
  };
}

function forgetOldest(accounts: Map<string, BudgetAccount>, most: number): void {
  if (accounts.size < most) return;
  for (const oldest of accounts.keys()) {
    accounts.delete(oldest);
    return;
  }
}

/** Each token has a list of its own; those that are equal become one. */
function createListSharing(): (list: readonly string[]) => readonly string[] {
  const lists = new Map<string, readonly string[]>();
  return (list) => {
    if (list.length === 0) return NO_GROUPS;
    const key = JSON.stringify(list);
    const known = lists.get(key);
    if (known !== undefined) return known;
    if (lists.size >= MOST_LISTS) lists.clear();
    lists.set(key, list);
    return list;
  };
}
