import { z } from 'zod';
import { CLIENT_LIMITS_SCHEMA, clientModels, clientRoutes, CLIENT_NAME_EXPECTED, isClientName, type ClientLimits } from './clients-section.ts';
import { checkedText, list, text } from './field-kinds.ts';
import type { ClientRoute } from './route-groups.ts';
import { emailDomain, groupName } from './sign-in-section.ts';

/** Whom a policy is for; members are ANDed. An empty one is the base of all others. */
export interface PolicyMatch {
  /** The name of an issuer; `sign_in` where another member is given and this one is not. */
  readonly issuer?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly email_domain?: string | undefined;
  readonly users?: readonly string[] | undefined;
}

/** What persons may do, by group, domain or name. */
export interface PolicyConfig {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly models?: readonly string[] | undefined;
  readonly routes?: readonly ClientRoute[] | undefined;
  readonly limits?: ClientLimits | undefined;
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  readonly desktop?: Readonly<Record<string, unknown>> | undefined;
}

const matchSection: z.ZodType<PolicyMatch> = z.strictObject({
  issuer: text('the name of an issuer').optional().describe('Whose tokens: the name of an issuer. Absent: `sign_in`, the persons who signed in here.'),
  groups: list(groupName()).min(1, 'at least one group').optional().describe('One of these groups; case counts.'),
  email_domain: emailDomain().optional().describe('A verified e-mail address of this domain.'),
  users: list(text('an e-mail address or the text of a principal').max(1_024, 'at most 1024 characters')).min(1, 'at least one person').optional()
    .describe('One of these persons: a verified e-mail address in any case, or the text of a principal (`SUB` of those who signed in here, else `ISSUER:SUB`).'),
}, 'an object; an empty one matches every person');

const openObject = (): z.ZodType<Readonly<Record<string, unknown>>> => z.record(z.string(), z.unknown(), 'an object');

const policySection: z.ZodType<PolicyConfig> = z.strictObject({
  name: checkedText(CLIENT_NAME_EXPECTED, (name) => isClientName(name) && name !== 'other').describe('Label of its persons in metrics; one namespace with the names of clients.'),
  match: matchSection.describe('Whom it is for. The first policy that matches is laid over the one with an empty `match`.'),
  models: clientModels().optional().describe('Models that may be used; `*` stands for any characters. Absent: those of the base, else all.'),
  routes: clientRoutes().optional().describe('Route groups that may be used. Absent: those of the base, else those that share nothing between callers.'),
  limits: CLIENT_LIMITS_SCHEMA.optional().describe('What each of its persons may use at most; laid over the base limit by limit.'),
  settings: openObject().optional().describe('Managed settings of Claude Code.'),
  desktop: openObject().optional().describe('What Claude Desktop is given when it starts.'),
}, 'an object with name and match');

/** The schema of `policies`. */
export const policiesSection: z.ZodType<readonly PolicyConfig[]> = list(policySection);
