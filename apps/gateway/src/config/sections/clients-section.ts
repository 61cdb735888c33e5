import { z } from 'zod';
import { isKeyLike } from '../problems/secret-fields.ts';
import { clientKeysSchema, expiresAt, MOST_KEYS_OF_A_CLIENT, type ClientKeys } from './client-keys.ts';
import { checkedText, count, list, modelPattern, text } from './field-kinds.ts';
import { CLIENT_ROUTES, groupsWith, type ClientRoute } from './route-groups.ts';

/** The limits that a client can have; also the `limit` label of `penstock_limit_rejections_total`. */
export type ClientLimitName = 'concurrent_requests' | 'requests_per_minute' | 'input_tokens_per_minute' | 'output_tokens_per_minute';

/** What a client may use at most; an absent field is no limit. Counted for the native side and the front door separately. */
export type ClientLimits = { readonly [Name in ClientLimitName]?: number | undefined };

/** One caller that has a key of the gateway's. */
export interface ClientConfig {
  readonly name: string;
  readonly key_sha256: ClientKeys;
  /** From then on every key of this client is refused. */
  readonly expires_at?: string | undefined;
  readonly models?: readonly string[] | undefined;
  readonly routes?: readonly ClientRoute[] | undefined;
  readonly limits?: ClientLimits | undefined;
  /** The name of a policy, whose members this client's own replace. */
  readonly policy?: string | undefined;
}

/** Names that metrics give to callers who are no configured client. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['anonymous', 'unauthenticated']);

/** What a client's name must be. */
export const CLIENT_NAME_EXPECTED = 'a name of 1 to 64 letters, digits, dots, dashes or underscores, other than anonymous and unauthenticated';

/** Whether a client may have this name. A key put there by mistake would become a label in logs and metrics. */
export function isClientName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(name) && !RESERVED_NAMES.has(name) && !isKeyLike(name);
}

const LIMIT_FIELDS: Readonly<Record<ClientLimitName, z.ZodType<number | undefined>>> = {
  concurrent_requests: count(1).optional().describe('Requests open at once, until the end of the response body.'),
  requests_per_minute: count(1).optional().describe('Requests a minute.'),
  input_tokens_per_minute: count(1).optional().describe('Input tokens a minute (cache reads and writes included). With it batches are refused, whose tokens are not known when they are made.'),
  output_tokens_per_minute: count(1).optional().describe('Output tokens a minute; a request reserves its bound. With it batches are refused.'),
};

/** The `limit` label of requests that a budget refused. */
export const BUDGET_LIMIT = 'budget';

/** All of `ClientLimitName`, in the order of the documentation. */
export const CLIENT_LIMIT_NAMES = Object.keys(LIMIT_FIELDS) as readonly ClientLimitName[];

/** The schema of the limits of one caller. */
export const CLIENT_LIMITS_SCHEMA: z.ZodType<ClientLimits> = z.strictObject(LIMIT_FIELDS, 'an object');

/** A list of model patterns, not empty. */
export function clientModels(): z.ZodArray<z.ZodString> {
  return list(modelPattern()).min(1, 'at least one model pattern');
}

/** A list of route groups, not empty. */
export function clientRoutes(): z.ZodType<readonly ClientRoute[]> {
  return list(z.enum(CLIENT_ROUTES, `one of ${CLIENT_ROUTES.join(', ')}`)).min(1, 'at least one route group');
}

const OPEN_GROUPS = groupsWith(CLIENT_ROUTES, 'isShared', false).map((group) => `\`${group}\``).join(', ').replace(/, (?=[^,]*$)/, ' and ');

const clientSection: z.ZodType<ClientConfig> = z.strictObject({
  name: checkedText(CLIENT_NAME_EXPECTED, isClientName)
    .describe('Label of this client in logs and metrics.'),
  key_sha256: clientKeysSchema.describe(`SHA-256 of the client's key in hexadecimal, or a list of at most ${MOST_KEYS_OF_A_CLIENT}, all of which are taken: hashes, or \`{ "sha256", "expires_at" }\` for a key that ends. An empty list: the client has no key at the moment.`),
  expires_at: expiresAt().optional().describe('From then on all keys of this client are refused: a date (its first moment in UTC) or a time such as `2027-01-31T18:00:00Z`.'),
  models: clientModels().optional()
    .describe('Models this client may use; `*` stands for any characters. Absent: all. With it requests are refused whose models cannot be read: batches, and on `/v1` stored state and forms.'),
  routes: clientRoutes().optional()
    .describe(`Route groups this client may use. Absent: those that are served, but with two or more clients only ${OPEN_GROUPS}. \`message_threads\` lets messages continue a thread, which is shared with all clients.`),
  limits: CLIENT_LIMITS_SCHEMA.optional().describe('What this client may use at most.'),
  policy: text('the name of a policy').optional().describe('A policy for this client; its own models and routes replace the policy\'s, and each of its limits that of the policy.'),
}, 'an object with name and key_sha256');

/** The schema of `clients`. */
export const clientsSection: z.ZodType<readonly ClientConfig[]> = list(clientSection);
