import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { ClientConfig, ClientLimits } from '../../config/sections/clients-section.ts';
import { SIGN_IN_ISSUER } from '../../config/sections/identity-section.ts';
import type { PolicyConfig, PolicyMatch } from '../../config/sections/policies-section.ts';
import type { ClientRoute } from '../../config/sections/route-groups.ts';
import { principalText, type Person } from '../identity/principal.ts';

/** A policy laid over the base. */
export interface AppliedPolicy {
  /** Its own name: the label of its persons in metrics. */
  readonly name: string;
  readonly models: readonly string[] | undefined;
  readonly routes: readonly ClientRoute[] | undefined;
  readonly limits: ClientLimits | undefined;
  /** As it stands in the configuration. */
  readonly own: PolicyConfig;
  /** The entry with an empty `match`; absent where there is none, or where it is the policy itself. */
  readonly base: PolicyConfig | undefined;
}

/** Why a policy is for a person or not. */
export interface PolicyVerdict {
  readonly policy: string;
  readonly matches: boolean;
  /** The members of `match` that do not hold; empty where it matches. */
  readonly fails: readonly (keyof PolicyMatch)[];
}

/** The policies of one configuration. */
export interface PolicyBook {
  /** The first policy that matches a person, laid over the base; the base alone where no other does; `undefined` where there is none at all. */
  decide(person: Person): AppliedPolicy | undefined;
  /** What a client is given by its own members and the policy that it names. */
  forClient(client: ClientConfig): ClientConfig;
  /** Each policy but the base in order, and whether it matches. */
  explain(person: Person): readonly PolicyVerdict[];
  /** All of them, each laid over the base. */
  readonly applied: readonly AppliedPolicy[];
  /** The groups that policies name: no others need be remembered of a person. */
  readonly groups: ReadonlySet<string>;
}

/** An entry of this form is an e-mail address and never the text of a principal: a subject that looks like one must not become that person. */
const EMAIL = /^[^:\s@]+@[^:\s@]+$/;

/** Reads the policies of a configuration. */
export function createPolicyBook(policies: readonly PolicyConfig[]): PolicyBook {
  const base = policies.find(({ match }) => Object.keys(match).length === 0);
  const applied = policies.map((own) => layOver(own, own === base ? undefined : base));
  const basis = applied.find(({ own }) => own === base);
  const matchers = policies.map(({ match }) => createMatcher(match));

  return {
    applied,
    groups: new Set(policies.flatMap(({ match }) => match.groups ?? [])),
    decide: (person) => applied.find(({ own }, index) => own !== base && matchers[index]?.(person).length === 0) ?? basis,
    explain: (person) => policies.flatMap(({ name }, index): PolicyVerdict[] => {
      const fails = matchers[index]?.(person) ?? [];
      return policies[index] === base ? [] : [{ policy: name, matches: fails.length === 0, fails }];
    }),
    forClient(client) {
      const policy = client.policy === undefined ? undefined : applied.find(({ name }) => name === client.policy);
      if (policy === undefined) return client;
      const limits = mergeLimits(policy.limits, client.limits);
      return { ...client, models: client.models ?? policy.models, routes: client.routes ?? policy.routes, limits };
    },
  };
}

function layOver(own: PolicyConfig, base: PolicyConfig | undefined): AppliedPolicy {
  return { name: own.name, models: own.models ?? base?.models, routes: own.routes ?? base?.routes, limits: mergeLimits(base?.limits, own.limits), own, base };
}

function mergeLimits(under: ClientLimits | undefined, over: ClientLimits | undefined): ClientLimits | undefined {
  return under === undefined || over === undefined ? over ?? under : { ...under, ...over };
}

/** The members of a match that do not hold for a person. */
function createMatcher(match: PolicyMatch): (person: Person) => readonly (keyof PolicyMatch)[] {
  const { issuer = SIGN_IN_ISSUER, groups, email_domain: domain, users } = match;
  const wantedDomain = domain?.toLowerCase();
  const emails = new Set(users?.filter((user) => EMAIL.test(user)).map((user) => user.toLowerCase()));
  const texts = new Set(users?.filter((user) => !EMAIL.test(user)));
  return (person) => {
    const email = person.email?.toLowerCase();
    const holds: Readonly<Record<keyof PolicyMatch, boolean>> = {
      issuer: person.issuer === issuer,
      groups: groups === undefined || groups.some((group) => person.groups.includes(group)),
      email_domain: wantedDomain === undefined || (email !== undefined && email.slice(email.lastIndexOf('@') + 1) === wantedDomain),
      users: users === undefined || (email !== undefined && emails.has(email)) || texts.has(principalText(person)),
    };
    return (Object.keys(holds) as (keyof PolicyMatch)[]).filter((member) => !holds[member]);
  };
}

/** The groups that a configuration names, by policies, budgets and administration: no others need be remembered of a person. */
export function namedGroups({ policies, budgets, admin }: Pick<GatewayConfig, 'policies' | 'budgets' | 'admin'>): ReadonlySet<string> {
  return new Set([...createPolicyBook(policies).groups, ...budgets.flatMap(({ scope }) => scope.group ?? []), ...admin.groups]);
}
