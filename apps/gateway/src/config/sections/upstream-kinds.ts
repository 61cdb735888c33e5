import type { z } from 'zod';
import type { CredentialConfig, CredentialMember } from './credential-fields.ts';
import { checkedText, fieldText, label } from './field-kinds.ts';

/** What an upstream of the native side is: each speaks the Anthropic API, at URLs and with credentials of its own. */
export const UPSTREAM_KINDS = ['anthropic', 'claude_platform_aws', 'bedrock_mantle', 'foundry', 'google'] as const;

/** One of `UPSTREAM_KINDS`. */
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

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

/** The schemas of the members that only some kinds have. */
export const kindFields: { readonly [Name in keyof KindFields]-?: z.ZodOptional<z.ZodString> } = {
  region: checkedText('a region such as us-east-1, in lower case', (value) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)).optional().describe('The region of kinds `claude_platform_aws` and `bedrock_mantle`.'),
  workspace_id: fieldText('the id of a workspace').optional().describe('Sent as `anthropic-workspace-id`. Of kinds `claude_platform_aws` (required) and `google`.'),
  resource: label('the name of a resource').optional().describe('The resource of kind `foundry`.'),
  project_id: fieldText('the id of a project').optional().describe('Of kind `google`: stands for `{project_id}` in `base_url`.'),
  location: label('a location such as global').optional().describe('Of kind `google`: stands for `{location}` in `base_url`.'),
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
