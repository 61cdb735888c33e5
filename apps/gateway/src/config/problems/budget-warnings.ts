import { createBudgetBook, budgetsOfConfig, type BudgetBook } from '../../access/budgets/budget-book.ts';
import { namesIssuer } from '../../access/identity/principal-id.ts';
import { CLIENT_ROUTES, GROUP_TRAITS, type ClientRoute } from '../sections/route-groups.ts';
import type { GatewayConfig } from '../gateway-config.ts';

/** Groups whose requests spend out of sight; what is spent there counts into no budget. */
const UNSEEN: readonly ClientRoute[] = CLIENT_ROUTES.filter((group) => GROUP_TRAITS[group].spendsUnseen);

/** Callers that a budget stops, but not on the routes that were opened to them. */
export function findBudgetWarnings(config: GatewayConfig): string[] {
  const { budgets, clients, policies, identity } = config;
  if (budgets.length === 0) return [];
  const book = createBudgetBook(budgetsOfConfig(budgets, identity));
  const served = servedGroups(config);
  const warn = (caller: string, routes: readonly ClientRoute[] | undefined): string[] => {
    const open = UNSEEN.filter((group) => served.has(group) && routes?.includes(group) === true);
    return open.length === 0 ? [] : [`${caller} has a budget, and routes that name ${open.join(', ')}: what its requests there spend is not counted, so that no budget stops it`];
  };
  return [
    ...findUnclearUsers(config),
    ...clients.flatMap(({ name, routes }) => (book.resolve({ kind: 'client', name }).some(({ stop }) => stop) ? warn(`client ${name}`, routes) : [])),
    ...(mayStopPersons(book) ? policies.flatMap(({ name, routes }) => warn(`policy ${name}`, routes)) : []),
  ];
}

/** A text with a colon that begins with no issuer may be the subject of a person, and a name of an issuer that is misspelt or was taken away. The text is personal data. */
function findUnclearUsers({ budgets, identity }: Pick<GatewayConfig, 'budgets' | 'identity'>): string[] {
  return budgets.flatMap(({ scope: { user } }, index) => {
    if (typeof user !== 'string' || !user.includes(':') || namesIssuer(user, identity)) return [];
    const holdsForNone = identity.sign_in === undefined ? ': without identity.sign_in this budget holds for no person' : '. Write sign_in: before it if that is meant';
    return [`budgets[${index}].scope.user begins with no name of identity.issuers, so that it is the subject of a person who signs in here${holdsForNone}`];
  });
}

/** Which persons a policy is for is known when they come: any budget but a client's may be theirs. */
function mayStopPersons({ budgets }: BudgetBook): boolean {
  return budgets.some(({ kind, stop }) => kind !== 'client' && stop);
}

function servedGroups({ anthropic_native: native, openai_front_door: frontDoor }: GatewayConfig): ReadonlySet<string> {
  return new Set([...native.route_groups, ...(native.allow_unknown_routes ? ['unknown'] : []), ...(frontDoor.enabled ? frontDoor.route_groups : [])]);
}
