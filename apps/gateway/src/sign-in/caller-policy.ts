import type { CallerPolicy, GatewayCaller } from '@penstock/claude-code-gateway';
import type { Authentication } from '../access/clients/client-registry.ts';
import { principalText } from '../access/identity/principal.ts';
import { createPolicyBook, type AppliedPolicy } from '../access/policies/policy-book.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';

/** Lays the settings of a policy over those of the base; the protocol knows how. */
export type MergeSettings = (base: Readonly<Record<string, unknown>> | undefined, own: Readonly<Record<string, unknown>> | undefined) => Readonly<Record<string, unknown>> | undefined;

/** Describes an admitted caller to the protocol of sign-in. */
export type DescribeCaller = (admitted: Extract<Authentication, { kind: 'client' }>) => GatewayCaller;

/** Reads the policies of one configuration once: what a policy gives is the same for all of its callers. */
export function createDescribeCaller({ policies, clients }: Pick<GatewayConfig, 'policies' | 'clients'>, mergeSettings: MergeSettings): DescribeCaller {
  const book = createPolicyBook(policies);
  const given = new Map<AppliedPolicy, CallerPolicy>(book.applied.map((policy) => [policy, describePolicy(policy, mergeSettings)]));
  const policyOfClient = new Map(clients.map(({ name, policy }) => [name, policy]));
  const find = (policy: AppliedPolicy | undefined): CallerPolicy => (policy === undefined ? {} : given.get(policy) ?? {});
  return ({ person, name }) => {
    if (person === undefined) {
      const wanted = policyOfClient.get(name);
      return { identity: { subject: principalText({ kind: 'client', name }), groups: [] }, policy: find(book.applied.find((policy) => policy.name === wanted)) };
    }
    const { email, groups } = person;
    return {
      identity: { subject: principalText(person), groups, ...(email === undefined ? {} : { email }), ...(person.name === undefined ? {} : { name: person.name }) },
      policy: find(book.decide(person)),
    };
  };
}

function describePolicy({ own, base }: AppliedPolicy, mergeSettings: MergeSettings): CallerPolicy {
  const settings = mergeSettings(base?.settings, own.settings);
  const desktop = own.desktop ?? base?.desktop;
  return { ...(settings === undefined ? {} : { settings }), ...(desktop === undefined ? {} : { desktop }) };
}
