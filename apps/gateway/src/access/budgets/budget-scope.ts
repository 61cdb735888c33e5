import type { BudgetScopeConfig, BudgetScopeKind } from '../../config/sections/budgets-section.ts';
import { userIdOf } from '../identity/principal-id.ts';

/** Whose budget. */
export interface BudgetScope {
  readonly kind: BudgetScopeKind;
  /** `true` for all of the kind; of a user its id. */
  readonly name: string | true;
}

/** The one member of a configured scope. */
export function readScope({ client, user, group, organization = true }: BudgetScopeConfig): BudgetScope {
  if (client !== undefined) return { kind: 'client', name: client };
  if (user !== undefined) return { kind: 'user', name: user === true ? user : userIdOf(user) };
  return group === undefined ? { kind: 'organization', name: organization } : { kind: 'group', name: group };
}
