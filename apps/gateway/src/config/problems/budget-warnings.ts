import { createBudgetBook, budgetsOfConfig, type BudgetBook } from '../../access/budgets/budget-book.ts';
import { CLIENT_ROUTES, GROUP_TRAITS, type ClientRoute } from '../sections/route-groups.ts';
import type { GatewayConfig } from '../gateway-config.ts';

/** Groups whose requests spend out of sight; what is spent there counts into no budget. */
const UNSEEN: readonly ClientRoute[] = CLIENT_ROUTES.filter((group) => GROUP_TRAITS[group].spendsUnseen);

/** Callers that a budget stops, but not on the routes that were opened to them. */
export function findBudgetWarnings(config: GatewayConfig): string[] {
  const { budgets, clients, policies } = config;
  if (budgets.length === 0) return [];
  const book = createBudgetBook(budgetsOfConfig(budgets));
  const served = servedGroups(config);
  const warn = (caller: string, routes: readonly ClientRoute[] | undefined): string[] => {
    const open = UNSEEN.filter((group) => served.has(group) && routes?.includes(group) === true);
    return open.length === 0 ? [] : [`${caller} has a budget, and routes that name ${open.join(', ')}: what its requests there spend is not counted, so that no budget stops it`];
  };
  return [
    ...clients.flatMap(({ name, routes }) => (book.resolve({ kind: 'client', name }).some(({ stop }) => stop) ? warn(`client ${name}`, routes) : [])),
    ...(mayStopPersons(book) ? policies.flatMap(({ name, routes }) => warn(`policy ${name}`, routes)) : []),
  ];
}

/** Which persons a policy is for is known when they come: any budget but a client's may be theirs. */
function mayStopPersons({ budgets }: BudgetBook): boolean {
  return budgets.some(({ kind, stop }) => kind !== 'client' && stop);
}

function servedGroups({ anthropic_native: native, openai_front_door: frontDoor }: GatewayConfig): ReadonlySet<string> {
  return new Set([...native.route_groups, ...(native.allow_unknown_routes ? ['unknown'] : []), ...(frontDoor.enabled ? frontDoor.route_groups : [])]);
}
