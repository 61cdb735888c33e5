import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { apiKey, checkedText, list, text } from './field-kinds.ts';

/** What an upstream of the native side is: each speaks the Anthropic API, at URLs and with credentials of its own. */
export const UPSTREAM_KINDS = ['anthropic', 'claude_platform_aws', 'bedrock_mantle', 'foundry', 'google'] as const;

/** One of `UPSTREAM_KINDS`. */
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

/** Keys that sign requests for AWS, or where they come from. Empty: the standard provider chain. */
export interface AwsCredentialConfig {
  readonly profile?: string | undefined;
  readonly role_arn?: string | undefined;
  readonly external_id?: string | undefined;
  readonly access_key_id?: string | undefined;
  readonly secret_access_key?: string | undefined;
  readonly session_token?: string | undefined;
}

/** The credential of an upstream; exactly one member. */
export interface CredentialConfig {
  readonly api_key?: string | undefined;
  readonly bearer?: string | undefined;
  readonly bearer_file?: string | undefined;
  readonly bearer_command?: readonly string[] | undefined;
  readonly aws?: AwsCredentialConfig | undefined;
  readonly google?: { readonly credentials_file?: string | undefined } | undefined;
  readonly entra?: { readonly tenant_id?: string | undefined; readonly client_id?: string | undefined; readonly scope?: string | undefined } | undefined;
}

/** A member of `credential`. */
export type CredentialMember = keyof CredentialConfig;

/** The members that only some kinds have. */
export interface KindFields {
  readonly region?: string | undefined;
  readonly workspace_id?: string | undefined;
  readonly resource?: string | undefined;
  readonly project_id?: string | undefined;
  readonly location?: string | undefined;
}

interface KindRules {
  readonly credentials: readonly CredentialMember[];
  /** Members that must be there, and those that may be; every other one is a mistake. */
  readonly required: readonly (keyof KindFields | 'base_url')[];
  readonly optional: readonly (keyof KindFields)[];
  /** Where its requests go; `undefined` where the configuration must name it. */
  readonly baseUrl: (fields: KindFields) => string | undefined;
}

const BEARERS = ['bearer', 'bearer_file', 'bearer_command'] as const;

/** What each kind takes. */
export const KIND_RULES: Readonly<Record<UpstreamKind, KindRules>> = {
  anthropic: { credentials: ['api_key', ...BEARERS], required: [], optional: [], baseUrl: () => 'https://api.anthropic.com' },
  claude_platform_aws: {
    credentials: ['api_key', 'aws'], required: ['region', 'workspace_id'], optional: [], baseUrl: ({ region }) => `https://aws-external-anthropic.${region}.api.aws`,
  },
  bedrock_mantle: { credentials: ['aws', ...BEARERS], required: ['region'], optional: [], baseUrl: ({ region }) => `https://bedrock-mantle.${region}.api.aws/anthropic` },
  foundry: { credentials: ['api_key', 'entra', ...BEARERS], required: ['resource'], optional: [], baseUrl: ({ resource }) => `https://${resource}.services.ai.azure.com/anthropic` },
  google: { credentials: ['google', ...BEARERS], required: ['base_url'], optional: ['workspace_id', 'project_id', 'location'], baseUrl: () => undefined },
};

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const label = (what: string): z.ZodString => checkedText(`${what}, of letters, digits and dashes`, (value) => LABEL.test(value));
const fieldText = (what: string): z.ZodString => checkedText(what, (value) => /^[\x21-\x7e]{1,256}$/.test(value));
const absolutePath = (): z.ZodString => checkedText('the absolute path of a file', isAbsolute);
const COMMAND = 'a list of the absolute path of a program and its arguments';
const AWS = 'an object with access_key_id and secret_access_key, or with none of the two; external_id only with role_arn, session_token only with the keys, and keys without profile and role_arn';

/** The schemas of the members that only some kinds have. */
export const kindFields: { readonly [Name in keyof KindFields]-?: z.ZodOptional<z.ZodString> } = {
  region: label('a region such as us-east-1').optional().describe('The region of kinds `claude_platform_aws` and `bedrock_mantle`.'),
  workspace_id: fieldText('the id of a workspace').optional().describe('Sent as `anthropic-workspace-id`. Of kinds `claude_platform_aws` (required) and `google`.'),
  resource: label('the name of a resource').optional().describe('The resource of kind `foundry`.'),
  project_id: fieldText('the id of a project').optional().describe('Of kind `google`: stands for `{project_id}` in `base_url`.'),
  location: label('a location such as global').optional().describe('Of kind `google`: stands for `{location}` in `base_url`.'),
};

const awsCredential: z.ZodType<AwsCredentialConfig> = z.strictObject({
  profile: fieldText('the name of a profile').optional().describe('A profile of the shared configuration of AWS.'),
  role_arn: checkedText('the ARN of a role', (value) => /^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/.test(value)).optional().describe('A role that is assumed with what the profile, or the chain, gives.'),
  external_id: fieldText('the external id of a role').optional().describe('Of `role_arn`.'),
  access_key_id: apiKey().optional().describe('With `secret_access_key`: fixed keys. Secret.'),
  secret_access_key: apiKey().optional().describe('Secret.'),
  session_token: apiKey().optional().describe('Of temporary keys. Secret.'),
}, AWS).refine(({ profile, role_arn: role, external_id: externalId, access_key_id: id, secret_access_key: key, session_token: token }) => {
  if ((id === undefined) !== (key === undefined) || (externalId !== undefined && role === undefined)) return false;
  return id === undefined ? token === undefined : profile === undefined && role === undefined;
}, { error: AWS });

/** The schemas of the members of a credential. */
export const credentialFields: { readonly [Name in CredentialMember]-?: z.ZodType<CredentialConfig[Name]> } = {
  api_key: apiKey().optional().describe('Sent as `x-api-key`. Secret; best left to `${file:PATH}` or `${NAME}`.'),
  bearer: apiKey().optional().describe('Sent as `authorization: Bearer`. Secret.'),
  bearer_file: absolutePath().optional().describe('A file with the bearer in one line of at most 16 KiB. Read anew when it changes; while it cannot be read, this upstream alone is not used.'),
  bearer_command: list(text(COMMAND)).min(1, COMMAND).max(100, COMMAND).refine(([program = '']) => isAbsolute(program), { error: COMMAND }).optional()
    .describe('A program that prints the bearer in one line of at most 16 KiB: no shell, an environment of `PATH` alone, 10 seconds. Run again every 5 minutes, and when the upstream refuses the bearer.'),
  aws: awsCredential.optional().describe('Signs each request with AWS Signature Version 4. `{}`: the standard provider chain of AWS.'),
  google: z.strictObject({
    credentials_file: absolutePath().optional().describe('A file of a service account, a user or a workload identity.'),
  }, 'an object').optional().describe('An access token of Google. `{}`: application default credentials.'),
  entra: z.strictObject({
    tenant_id: label('the id or name of a tenant').or(checkedText('the id or name of a tenant', (value) => /^[\w.-]{1,128}$/.test(value))).optional().describe('Absent: `AZURE_TENANT_ID` of the environment.'),
    client_id: label('the id of an application').optional().describe('An application, or a user-assigned managed identity. Absent: `AZURE_CLIENT_ID` of the environment.'),
    scope: fieldText('a scope such as https://ai.azure.com/.default').optional().describe('Absent: `https://ai.azure.com/.default`.'),
  }, 'an object').optional().describe('An access token of Entra: by `AZURE_FEDERATED_TOKEN_FILE`, else `AZURE_CLIENT_SECRET` of the environment, else the managed identity.'),
};

/** Members that may stand in a `base_url`, in braces. */
export const PLACED = ['project_id', 'location'] as const;

/** What a member of an upstream must be so that it fits its kind. */
export interface KindMistake {
  readonly path: readonly string[];
  readonly expected: string;
}

/** The members that do not fit the kind of an upstream. */
export function findKindMistakes(upstream: KindFields & { readonly kind: UpstreamKind; readonly base_url?: string | undefined; readonly credential: CredentialConfig }): readonly KindMistake[] {
  const { kind, credential } = upstream;
  const { required, optional, credentials } = KIND_RULES[kind];
  const fields = Object.keys(kindFields) as (keyof KindFields)[];
  const of = (field: keyof KindFields): string => UPSTREAM_KINDS.filter((other) => [...KIND_RULES[other].required, ...KIND_RULES[other].optional].includes(field)).join(' or ');
  return [
    ...required.filter((field) => upstream[field] === undefined).map((field) => ({ path: [field], expected: `set with kind ${kind}` })),
    ...PLACED.filter((field) => upstream[field] === undefined && upstream.base_url?.includes(`{${field}}`) === true).map((field) => ({ path: [field], expected: `set where base_url has {${field}}` })),
    ...fields.filter((field) => upstream[field] !== undefined && !required.includes(field) && !optional.includes(field)).map((field) => ({ path: [field], expected: `absent with kind ${kind}: it belongs to ${of(field)}` })),
    ...(Object.keys(credential) as CredentialMember[]).filter((member) => credential[member] !== undefined && !credentials.includes(member))
      .map((member) => ({ path: ['credential', member], expected: `absent with kind ${kind}, which takes ${credentials.join(', ')}` })),
  ];
}
