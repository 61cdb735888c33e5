import { z } from 'zod';
import { credentialFields } from './credential-fields.ts';
import { baseUrl, checkedText, count, flag, list, modelPattern, pem, proxyUrl } from './field-kinds.ts';
import { priceMultiplier } from './prices-section.ts';
import { poolSection, timeoutsSection } from './upstream-settings.ts';
import type { CredentialConfig } from './credential-fields.ts';
import type { PoolConfig, TimeoutsConfig } from './upstream-settings.ts';

/** What a stream that broke at the boundary of an event ends with: nothing, or an event that says so. */
const BROKEN_STREAMS = ['connection', 'event'] as const;
/** What a client gets when the cloud refuses the gateway's own credential. */
const AUTH_ERRORS = ['relay', 'explain'] as const;

/** A credential of a cloud: at most one member; none is the cloud's standard chain. */
export type CloudCredentialConfig = Pick<CredentialConfig, 'bearer' | 'bearer_command' | 'aws' | 'google'>;

/** What both clouds have. */
export interface CloudConfig {
  readonly base_url?: string | undefined;
  readonly credential: CloudCredentialConfig;
  readonly models?: readonly string[] | undefined;
  readonly pool: PoolConfig;
  readonly timeouts: TimeoutsConfig;
  readonly max_buffered_bytes: number;
  readonly broken_streams: (typeof BROKEN_STREAMS)[number];
  readonly upstream_auth_errors: (typeof AUTH_ERRORS)[number];
  readonly price_multiplier?: string | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly allow_insecure_base_url: boolean;
}

/** Amazon Bedrock in its own format. */
export interface BedrockConfig extends CloudConfig {
  readonly region: string;
}

/** Vertex AI in its own format. */
export interface VertexConfig extends CloudConfig {
  readonly project_id: string;
  readonly location: string;
}

const QUICK_HEADERS = 60;

/** A credential of one member of a few, or of none. */
function credentialOf(member: 'aws' | 'google'): z.ZodType<CloudCredentialConfig> {
  const { bearer, bearer_command, [member]: own } = credentialFields;
  const expected = `an object with at most one of bearer, bearer_command and ${member}`;
  return z.strictObject({ bearer, bearer_command, [member]: own }, expected).refine((given) => Object.values(given).filter((value) => value !== undefined).length <= 1, { error: expected });
}

const shared = {
  pool: poolSection.prefault({}).describe('Connections to this cloud.'),
  timeouts: timeoutsSection.prefault({}).transform((timeouts) => ({ ...timeouts, quick_headers: timeouts.quick_headers ?? QUICK_HEADERS })).describe('Clocks of a request, in seconds. `quick_headers` is 60 where it is absent.'),
  max_buffered_bytes: count(1).default(268_435_456).describe('Request bytes that are gathered at once, all requests together.'),
  broken_streams: z.enum(BROKEN_STREAMS, BROKEN_STREAMS.join(' or ')).default('connection')
    .describe('How a stream ends that broke after its head: as the cloud\'s broke (`connection`), or with an event that says so where it stands at the boundary of one (`event`).'),
  upstream_auth_errors: z.enum(AUTH_ERRORS, AUTH_ERRORS.join(' or ')).default('explain')
    .describe('What callers get when the cloud refuses the gateway\'s credential: `explain`, an error that says whose it is, or the cloud\'s own answer (`relay`).'),
  price_multiplier: priceMultiplier().optional().describe('What requests cost here, as a part of the price: "0.85". Absent: the price itself.'),
  ca: pem('certificates').optional().describe('A private authority to trust in addition.'),
  proxy: proxyUrl().optional().describe('An egress proxy. Absent: `HTTPS_PROXY` and `NO_PROXY`.'),
  allow_insecure_base_url: flag().default(false).describe('Allows `http:` to other hosts than loopback.'),
};

const REGION = 'a region such as us-east-1';
const PROJECT = 'the id of a project, such as my-project-1';
const LOCATION = 'a location such as us-east5, or global';

/** The schema of `bedrock`. */
export const bedrockSection: z.ZodType<BedrockConfig> = z.strictObject({
  region: checkedText(REGION, (value) => /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/.test(value)).describe('The region of AWS whose runtime endpoint is used.'),
  base_url: baseUrl().optional().describe('Where requests go. Absent: the runtime endpoint of the region. `http:` only to loopback unless `allow_insecure_base_url`.'),
  models: list(modelPattern()).min(1, 'at least one model pattern').optional()
    .describe('Model ids that are served, ARNs of inference profiles included; `*` stands for any characters. Absent: every id of Anthropic\'s models, with or without the prefix of an inference profile.'),
  credential: credentialOf('aws').prefault({})
    .describe('What the gateway signs requests with, in place of what its callers send. Without a member: the standard provider chain of AWS.'),
  ...shared,
}, 'an object with region');

/** The schema of `vertex`. */
export const vertexSection: z.ZodType<VertexConfig> = z.strictObject({
  project_id: checkedText(PROJECT, (value) => /^[a-z][a-z0-9.:-]{0,62}$/.test(value)).describe('The project that pays. Requests that name another one are refused.'),
  location: checkedText(LOCATION, (value) => /^[a-z]+(?:-[a-z]+\d{1,2})?$/.test(value)).describe('The location, or `global`. Requests that name another one are refused.'),
  base_url: baseUrl().optional().describe('Where requests go, without `/v1`. Absent: the endpoint of the location. `http:` only to loopback unless `allow_insecure_base_url`.'),
  models: list(modelPattern()).min(1, 'at least one model pattern').optional()
    .describe('Model ids that are served; `*` stands for any characters. Absent: every id that begins with `claude-`.'),
  credential: credentialOf('google').prefault({}).describe('What the gateway signs requests with, in place of what its callers send. Without a member: application default credentials.'),
  ...shared,
}, 'an object with project_id and location');
