import { describe, expect, it } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../../src/access/budgets/budget-book.ts';
import type { Principal } from '../../../src/access/identity/principal.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';

const person = (subject: string, ...groups: string[]): Principal => ({ kind: 'person', issuer: 'sign_in', subject, groups });
const client = (name: string): Principal => ({ kind: 'client', name });
const bookOf = (budgets: readonly object[]): ReturnType<typeof createBudgetBook> => createBudgetBook(budgetsOfConfig(budgetsSection.parse(budgets), { issuers: [] }));
const namesOf = (budgets: readonly object[], principal: Principal): readonly string[] =>
  bookOf(budgets).resolve(principal).map(({ kind, name, share, period, nanoDollars }) => `${kind} ${name} ${share} ${period} ${nanoDollars / 10_000_000n}`);
const each = (scope: object, amount: number, period = 'monthly'): object => ({ scope, share: 'each', period, amount_cents: amount });
const pooled = (scope: object, amount: number, period = 'monthly'): object => ({ scope, share: 'pooled', period, amount_cents: amount });

describe('budgets that hold for a caller', () => {
  const budgets = [
    each({ organization: true }, 900), each({ group: 'eng' }, 500), each({ group: 'ml' }, 300), each({ user: true }, 200), each({ user: 'alice' }, 1_000),
    each({ client: 'ci' }, 50), each({ client: true }, 70),
  ];

  it('its own comes before that of all of its kind, whatever the amounts', () => {
    expect(namesOf(budgets, person('alice', 'eng', 'ml'))).toEqual(['user alice each monthly 1000']);
    expect(namesOf(budgets, person('bob', 'eng'))).toEqual(['user true each monthly 200']);
    expect(namesOf(budgets, client('ci'))).toEqual(['client ci each monthly 50']);
    expect(namesOf(budgets, client('other'))).toEqual(['client true each monthly 70']);
  });

  it('without one of its own the strictest of its groups holds, else that of the organization', () => {
    const rest = [each({ organization: true }, 900), each({ group: 'eng' }, 500), each({ group: 'ml' }, 300)];
    expect(namesOf(rest, person('bob', 'eng', 'ml'))).toEqual(['group ml each monthly 300']);
    expect(namesOf(rest, person('bob', 'eng'))).toEqual(['group eng each monthly 500']);
    expect(namesOf(rest, person('bob', 'sales'))).toEqual(['organization true each monthly 900']);
    expect(namesOf(rest, client('ci'))).toEqual(['organization true each monthly 900']);
  });

  it('shared ones hold in addition, those of every group', () => {
    const shared = [each({ user: 'bob' }, 100), pooled({ group: 'eng' }, 5_000), pooled({ group: 'ml' }, 4_000), pooled({ organization: true }, 100_000)];
    expect(namesOf(shared, person('bob', 'eng', 'ml'))).toEqual(['user bob each monthly 100', 'group eng pooled monthly 5000', 'group ml pooled monthly 4000', 'organization true pooled monthly 100000']);
    expect(namesOf(shared, client('ci'))).toEqual(['organization true pooled monthly 100000']);
  });

  it('each period is resolved for itself', () => {
    const periods = [each({ user: 'bob' }, 100, 'daily'), each({ organization: true }, 1_000, 'monthly'), each({ organization: true }, 400, 'daily'), each({ group: 'eng' }, 300, 'weekly')];
    expect(namesOf(periods, person('bob', 'eng'))).toEqual(['user bob each daily 100', 'group eng each weekly 300', 'organization true each monthly 1000']);
  });

  it('a budget without an amount lifts the others of its caller, and the least amount of groups is stricter than none', () => {
    const of = (kind: 'user' | 'group', name: string, nanoDollars: bigint | undefined) => ({ source: `${kind} ${name}`, kind, name, share: 'each' as const, period: 'monthly' as const, nanoDollars, warnAt: [], stop: true });
    const book = createBudgetBook([of('user', 'alice', undefined), of('group', 'eng', 5n), of('group', 'free', undefined)]);
    expect(book.resolve(person('alice', 'eng'))).toEqual([]);
    expect(book.resolve(person('bob', 'free', 'eng')).map(({ source }) => source)).toEqual(['group eng']);
  });

  it('callers with the same budgets share one list, and the groups of budgets are known', () => {
    const book = bookOf([pooled({ group: 'eng' }, 5), each({ group: 'ml' }, 5), each({ user: 'x' }, 1)]);
    expect(book.resolve(person('a', 'eng'))).toBe(book.resolve(person('b', 'eng')));
    expect([...book.groups]).toEqual(['eng', 'ml']);
    expect(bookOf([]).isEmpty).toBe(true);
  });
});
