import { createClientRules, type ClientRules } from '../access/clients/client-rules.ts';
import { budgetsOfConfig, createBudgetBook, type LimitedBudget } from '../access/budgets/budget-book.ts';
import { dollarsText } from '../access/budgets/money.ts';
import type { Person, Principal } from '../access/identity/principal.ts';
import { readPrincipalId } from '../access/identity/principal-id.ts';
import { createPolicyBook, type PolicyBook } from '../access/policies/policy-book.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { ClientLimits } from '../config/sections/clients-section.ts';
import { hasIdentity, SIGN_IN_ISSUER } from '../config/sections/identity-section.ts';
import type { PolicyMatch } from '../config/sections/policies-section.ts';
import { configuredClouds } from '../config/configured-clouds.ts';
import { CLIENT_ROUTES, GROUP_TRAITS, type ClientRoute } from '../config/sections/route-groups.ts';

/** A caller as the command line names it. */
export interface NamedCaller {
  /** An e-mail address, the text of a principal (`SUB`, `ISSUER:SUB`), or `client:NAME`. */
  readonly text: string;
  readonly groups: readonly string[];
  /** Whose person an e-mail address is. @defaultValue 'sign_in' */
  readonly issuer?: string | undefined;
}

/** What a caller may do, and why. */
export interface CallerReport {
  readonly caller: string;
  readonly kind: 'client' | 'person';
  readonly issuer?: string;
  readonly groups?: readonly string[];
  /** Whether the gateway lets this caller in at all. */
  readonly admitted: boolean;
  /** The policy that decides; absent where there is none. */
  readonly policy?: string;
  /** The policy with an empty `match`, under the one that decides. */
  readonly base?: string;
  /** One sentence for each policy, in their order. */
  readonly why: readonly string[];
  /** Patterns; absent where all models may be used. */
  readonly models?: readonly string[];
  /** Route groups that are open to this caller and served by this gateway. */
  readonly routes: readonly ClientRoute[];
  readonly limits?: ClientLimits;
  /** One sentence for each budget of the configuration that holds; those that were set over HTTP are in the store. */
  readonly budgets?: readonly string[];
}

const EMAIL = /^[^:\s@]+@[^:\s@]+$/;
const MEMBERS: Readonly<Record<keyof PolicyMatch, string>> = { issuer: 'the issuer', groups: 'the groups', email_domain: 'the e-mail domain', users: 'the users' };

/** Describes what a caller may do under a configuration; `undefined` for a client or an issuer that it does not have. */
export function explainCaller(config: GatewayConfig, named: NamedCaller): CallerReport | undefined {
  const book = createPolicyBook(config.policies);
  if (named.text.startsWith('client:')) return explainClient(config, book, named.text.slice('client:'.length));
  const person = personOf(config, named);
  if (person === undefined) return undefined;
  const policy = book.decide(person);
  return {
    caller: named.text, kind: 'person', issuer: person.issuer, groups: named.groups,
    admitted: policy !== undefined,
    ...(policy === undefined ? {} : { policy: policy.name }),
    ...(policy?.base === undefined ? {} : { base: policy.base.name }),
    why: [...doubts(config, named, person), ...reasons(book, person, policy?.name)],
    ...(policy === undefined ? { routes: [] } : describeRules(config, createClientRules(policy, Number.POSITIVE_INFINITY), person)),
  };
}

function explainClient(config: GatewayConfig, book: PolicyBook, name: string): CallerReport | undefined {
  const client = config.clients.find((candidate) => candidate.name === name);
  if (client === undefined) return undefined;
  const base = book.applied.find((policy) => policy.name === client.policy)?.base;
  return {
    caller: `client:${name}`, kind: 'client', admitted: true,
    ...(client.policy === undefined ? {} : { policy: client.policy }),
    ...(base === undefined ? {} : { base: base.name }),
    why: [client.policy === undefined ? 'it names no policy: only its own members count' : `it names the policy ${client.policy}, whose members its own replace`],
    ...describeRules(config, createClientRules(book.forClient(client), hasIdentity(config) ? Number.POSITIVE_INFINITY : config.clients.length), { kind: 'client', name }),
  };
}

/** A person by an address has no subject that is known, so that no policy matches by one. */
function personOf({ identity: { issuers } }: GatewayConfig, { text, groups, issuer: given }: NamedCaller): Person | undefined {
  const prefix = [SIGN_IN_ISSUER, ...issuers.map(({ name }) => name)].find((name) => text.startsWith(`${name}:`));
  const issuer = given ?? prefix ?? SIGN_IN_ISSUER;
  const configured = issuers.find(({ name }) => name === issuer);
  if (configured === undefined && issuer !== SIGN_IN_ISSUER) return undefined;
  if (!EMAIL.test(text)) return { kind: 'person', issuer, subject: prefix === undefined ? text : text.slice(prefix.length + 1), groups: configured !== undefined && configured.claims.groups === undefined ? [] : groups };
  const counts = configured === undefined || configured.claims.email !== undefined;
  return { kind: 'person', issuer, subject: '', email: counts ? text : undefined, groups: configured !== undefined && configured.claims.groups === undefined ? [] : groups };
}

/** What the answer depends on beyond the policies. */
function doubts({ identity, budgets }: GatewayConfig, { text, groups }: NamedCaller, { issuer, subject, email }: Person): readonly string[] {
  const configured = identity.issuers.find(({ name }) => name === issuer);
  const personal = subject === '' ? budgetsOfPersons({ budgets, identity }, issuer) : [];
  return [
    ...(issuer === SIGN_IN_ISSUER && identity.sign_in === undefined ? ['nothing issues tokens to such persons: identity.sign_in is absent'] : []),
    ...(EMAIL.test(text) && email === undefined ? [`no e-mail of ${issuer} counts: its claims name none`] : []),
    ...(groups.length > 0 && configured !== undefined && configured.claims.groups === undefined ? [`no group of ${issuer} counts: its claims name none`] : []),
    ...(personal.length > 0 ? [`a budget of one person may hold in place of those shown (${personal.join(', ')}): an e-mail address does not give the subject by which it is found; name ${issuer === SIGN_IN_ISSUER ? 'SUB' : `${issuer}:SUB`}`] : []),
  ];
}

/** Where the configuration has budgets of single persons of an issuer. */
function budgetsOfPersons({ budgets, identity }: Pick<GatewayConfig, 'budgets' | 'identity'>, issuer: string): readonly string[] {
  return budgetsOfConfig(budgets, identity).flatMap(({ kind, name, source }) => {
    if (kind !== 'user' || name === true) return [];
    const person = readPrincipalId(name);
    return person.kind === 'person' && person.issuer === issuer ? [source] : [];
  });
}

function reasons(book: PolicyBook, person: Person, decided: string | undefined): readonly string[] {
  const verdicts = book.explain(person).map(({ policy, matches, fails }) => {
    if (!matches) return `${policy}: does not match by ${fails.map((member) => MEMBERS[member]).join(' and ')}`;
    return policy === decided ? `${policy}: the first that matches` : `${policy}: would match, but an earlier one does`;
  });
  if (decided === undefined) return [...verdicts, 'no policy matches, and none has an empty match'];
  return book.applied.some(({ name, own }) => name === decided && Object.keys(own.match).length === 0) ? [...verdicts, `${decided}: the base, for no other matches`] : verdicts;
}

function describeRules(config: GatewayConfig, rules: ClientRules, principal: Principal): Pick<CallerReport, 'models' | 'routes' | 'limits' | 'budgets'> {
  const served: ReadonlySet<string> = new Set([
    ...config.anthropic_native.route_groups, 'message_threads', ...(config.anthropic_native.allow_unknown_routes ? ['unknown'] : []),
    ...(config.openai_front_door.enabled ? config.openai_front_door.route_groups : []),
    ...configuredClouds(config).map(({ name }) => name),
  ]);
  const budgets = createBudgetBook(budgetsOfConfig(config.budgets, config.identity)).resolve(principal);
  const isCapped = budgets.some(({ stop }) => stop);
  const isClosed = (group: ClientRoute): boolean => isCapped && GROUP_TRAITS[group].spendsUnseen && !rules.namesRouteGroup(group);
  const limits = Object.entries(rules.limits ?? {}).filter(([, limit]) => limit !== undefined);
  return {
    ...(rules.restrictsModels ? { models: rules.openModels } : {}),
    routes: CLIENT_ROUTES.filter((group) => served.has(group) && !isClosed(group) && (group === 'message_threads' ? rules.allowsMessageThreads : rules.allowsRouteGroup(group))),
    ...(limits.length === 0 ? {} : { limits: Object.fromEntries(limits) }),
    ...(budgets.length === 0 ? {} : { budgets: budgets.map(describeBudget) }),
  };
}

function describeBudget({ source, kind, name, share, period, nanoDollars, warnAt, stop }: LimitedBudget): string {
  const whose = name === true ? (kind === 'organization' ? 'the organization' : `every ${kind}`) : `the ${kind} ${name}`;
  const warns = warnAt.length === 0 ? '' : `, warns at ${warnAt.map((part) => `${Math.round(part * 100)} %`).join(' and ')}`;
  return `${dollarsText(nanoDollars)} ${period}, ${share === 'pooled' ? 'shared by' : 'each, from that of'} ${whose} (${source})${warns}${stop ? '' : ', never stops'}`;
}
