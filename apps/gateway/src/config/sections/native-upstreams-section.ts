import { z } from 'zod';
import { baseUrl, checkedText, count, flag, list, modelPattern, pem, proxyUrl, share, text } from './field-kinds.ts';
import { priceMultiplier } from './prices-section.ts';
import { poolSection, upstreamTimeoutsSection } from './upstream-settings.ts';
import { credentialFields } from './credential-fields.ts';
import { findKindMistakes, KIND_RULES, kindFields, UPSTREAM_KINDS } from './upstream-kinds.ts';
import type { CredentialConfig } from './credential-fields.ts';
import type { KindFields, UpstreamKind } from './upstream-kinds.ts';
import type { PoolConfig, UpstreamTimeoutsSettings } from './upstream-settings.ts';

/** One upstream of several. */
export interface NativeUpstreamConfig extends KindFields {
  readonly name: string;
  readonly kind: UpstreamKind;
  readonly base_url: string;
  readonly credential: CredentialConfig;
  readonly weight: number;
  readonly tier: number;
  readonly models: readonly string[];
  /** The upstream's own names of models, by those that clients use. */
  readonly model_map: Readonly<Record<string, string>>;
  readonly pool?: PoolConfig | undefined;
  readonly timeouts?: UpstreamTimeoutsSettings | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly allow_insecure_base_url?: boolean | undefined;
  readonly price_multiplier?: string | undefined;
  readonly fail_over_on?: RoutingConfig['fail_over_on'] | undefined;
}

/** What keeps requests at one upstream. */
export const STICKY_KEYS = ['session', 'principal'] as const;

/** One of `STICKY_KEYS`. */
export type StickyKey = (typeof STICKY_KEYS)[number];

/** How requests are divided between upstreams. */
export interface RoutingConfig {
  readonly sticky_by: readonly StickyKey[];
  readonly spill_at: number;
  readonly quota_floor: number;
  readonly fail_over_on: readonly ('not_sent' | number)[];
  readonly cool_down: readonly [number, number];
  readonly stateful?: string | undefined;
}

const NAME = 'a name of 1 to 40 lower-case letters, digits or underscores, other than native, bedrock, vertex and those that begin with front_door';
const MAX_MAPPED_MODELS = 1_000;
// However it is escaped, a name must be short enough for the scanner to read.
const MODEL_NAME = 'a model name of 1 to 160 visible ASCII characters, without *';
const MODEL_ID = 'the upstream\'s name of a model, of 1 to 256 visible ASCII characters';
const ONE_MEMBER = `an object with exactly one of ${Object.keys(credentialFields).join(', ')}`;
const COOL_DOWN = 'a list of the first and the longest cool-down in seconds, from 0.001 to 3600, the first not above the second';

const upstreamName = (): z.ZodString => checkedText(NAME, (value) => /^[a-z][a-z0-9_]{0,39}$/.test(value) && !/^(?:native|bedrock|vertex|front_door.*)$/.test(value));

const credential = z.strictObject(credentialFields, ONE_MEMBER).refine((members) => Object.values(members).filter((value) => value !== undefined).length === 1, { error: ONE_MEMBER });

const failOverList = (): z.ZodType<RoutingConfig['fail_over_on']> => list(z.union([z.literal('not_sent'), count(400, 599)], '"not_sent" or a status from 400 to 599'));

const upstream: z.ZodType<NativeUpstreamConfig> = z.strictObject({
  name: upstreamName().describe('Its name in metrics, log and page.'),
  kind: z.enum(UPSTREAM_KINDS, UPSTREAM_KINDS.join(' or ')).default('anthropic').describe('`anthropic`: the Anthropic API, or an origin that speaks it. The others are clouds that serve it: the Claude Platform on AWS, Bedrock (its endpoint `bedrock-mantle`), Microsoft Foundry, Google Cloud.'),
  ...kindFields,
  base_url: baseUrl().optional().describe('Where its requests go, `/v1/…` excluded. `http:` only to loopback unless `allow_insecure_base_url`. Absent: `https://api.anthropic.com`, or the address that kind, region and resource make; required with kind `google`.'),
  credential: credential.describe('Exactly one member, which its kind takes.'),
  weight: z.number('a number above 0 and at most 1000').gt(0, 'a number above 0 and at most 1000').max(1_000, 'a number above 0 and at most 1000').default(1)
    .describe('Its part of the sessions, beside the weights of the others of its tier.'),
  tier: count(0, 100).default(0).describe('Upstreams of a higher tier are used only while none of a lower one is well.'),
  models: list(modelPattern()).default(['*']).describe('Models that it serves; `*` stands for any characters.'),
  model_map: z.record(checkedText(MODEL_NAME, (value) => /^[\x21-\x29\x2b-\x7e]{1,160}$/.test(value)), checkedText(MODEL_ID, (value) => /^[\x21-\x7e]{1,256}$/.test(value)), 'an object of model names')
    .refine((map) => Object.keys(map).length <= MAX_MAPPED_MODELS, { error: `an object of at most ${MAX_MAPPED_MODELS} model names` }).default({})
    .describe('What this upstream calls models, by the names that clients use, such as `{"claude-x": "anthropic.claude-x"}`. The JSON string of `model` is replaced in the body, and no other byte. With it, only these models are served here.'),
  pool: poolSection.optional().describe('Its connections. Absent: the numbers of `anthropic_native.pool`, for itself.'),
  timeouts: upstreamTimeoutsSection.optional().describe('Clocks of its own, in seconds. One that is absent is that of `anthropic_native.timeouts`.'),
  ca: pem('certificates').optional().describe('As `anthropic_native.ca`, which it replaces.'),
  proxy: proxyUrl().optional().describe('As `anthropic_native.proxy`, which it replaces.'),
  allow_insecure_base_url: flag().optional().describe('As `anthropic_native.allow_insecure_base_url`, which it replaces.'),
  price_multiplier: priceMultiplier().optional().describe('As `anthropic_native.price_multiplier`, which it replaces.'),
  fail_over_on: failOverList().optional().describe('As `routing.fail_over_on`, which it replaces. Of kinds other than `anthropic` a 503 counts only where it is listed here.'),
}, 'an object').superRefine((given, context) => {
  for (const { path, expected } of findKindMistakes(given)) context.addIssue({ code: 'custom', path: [...path], message: expected });
}).transform((given) => ({ ...given, base_url: given.base_url ?? KIND_RULES[given.kind].baseUrl(given) ?? '' }));

/** The schema of `anthropic_native.upstreams`. */
export const nativeUpstreamsSection: z.ZodType<readonly NativeUpstreamConfig[]> = list(upstream).max(16, 'a list of at most 16 upstreams');

/** The schema of `anthropic_native.routing`. */
export const routingSection: z.ZodType<RoutingConfig> = z.strictObject({
  sticky_by: list(z.enum(STICKY_KEYS, 'session or principal')).default(['session', 'principal'])
    .describe('What keeps requests at one upstream, so that its prompt cache is used: the session that `x-claude-code-session-id` names, else the caller. Empty: chance.'),
  spill_at: share().default(1).describe('The part of a pool from which a request goes to another upstream; its session does not.'),
  quota_floor: z.number('a number from 0 to below 1').min(0, 'a number from 0 to below 1').lt(1, 'a number from 0 to below 1').default(0.02)
    .describe('Below this part of a quota, by the upstream\'s own response fields, sessions move until it is full again. 0: never.'),
  fail_over_on: failOverList().default(['not_sent', 401, 403, 429, 503, 529])
    .describe('After what a request goes to another upstream: `not_sent` (no byte of it left), or a status that shows that it did not run. A request that may have run is never sent twice: list no other status unless that is sure.'),
  cool_down: z.tuple([z.number(COOL_DOWN), z.number(COOL_DOWN)], COOL_DOWN).refine(([first, longest]) => first >= 0.001 && longest <= 3_600 && first <= longest, { error: COOL_DOWN }).default([1, 60])
    .describe('The first and the longest cool-down of an upstream that failed, in seconds; it doubles. A longer `retry-after` holds.'),
  stateful: text('the name of an upstream').optional()
    .describe('The upstream of requests that refer to what one account keeps: batches, files, skills, agents, lists of models, federated login, message threads, unknown routes, and messages with a `files-api` or `skills` beta. They never move. Absent: the first listed.'),
}, 'an object');
