import type { BudgetScopeConfig, BudgetScopeKind } from '../../config/sections/budgets-section.ts';
import { userIdOf, type NamedIssuers } from '../identity/principal-id.ts';

/** Whose budget. */
export interface BudgetScope {
  readonly kind: BudgetScopeKind;
  /** `true` for all of the kind; of a user its id. */
  readonly name: string | true;
}

/** The one member of a configured scope; the issuers give its user an id. */
export function readScope({ client, user, group, organization = true }: BudgetScopeConfig, identity: NamedIssuers): BudgetScope {
  if (client !== undefined) return { kind: 'client', name: client };
  if (user !== undefined) return { kind: 'user', name: user === true ? user : userIdOf(user, identity) };
  return group === undefined ? { kind: 'organization', name: organization } : { kind: 'group', name: group };
}

/** Scopes of the store as the issuers of now read them; before one that an earlier release wrote otherwise comes one that was written as its id is. */
export function withUserIds<Scope extends BudgetScope>(scopes: readonly Scope[], identity: NamedIssuers): readonly Scope[] {
  const read = scopes.map((scope) => (scope.kind === 'user' && scope.name !== true ? { ...scope, name: userIdOf(scope.name, identity) } : scope));
  const isAsWritten = (index: number): boolean => read[index]?.name === scopes[index]?.name;
  return [...read.filter((_, index) => isAsWritten(index)), ...read.filter((_, index) => !isAsWritten(index))];
}
