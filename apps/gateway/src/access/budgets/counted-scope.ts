import { clientScope, groupScope, ORGANIZATION, userScope, type SpendScope } from '../../ledger/ledger-entry.ts';
import type { Principal } from '../identity/principal.ts';
import { principalId } from '../identity/principal-id.ts';
import type { Budget } from './budget-book.ts';

/** The scope by which the ledger counts what a caller itself spends. */
export function ownScope(principal: Principal): SpendScope {
  return principal.kind === 'client' ? clientScope(principal.name) : userScope(principalId(principal));
}

/** The scope whose spending counts against a budget, for a caller with a scope of its own. */
export function countedScope({ share, kind, name }: Budget, own: SpendScope): SpendScope {
  if (share === 'each') return own;
  return kind === 'group' && name !== true ? groupScope(name) : ORGANIZATION;
}
