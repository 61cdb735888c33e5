import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { apiKey, checkedText, fieldText, label, list, text } from './field-kinds.ts';

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

const absolutePath = (): z.ZodString => checkedText('the absolute path of a file', isAbsolute);
const COMMAND = 'a list of the absolute path of a program and its arguments';
const AWS = 'an object with access_key_id and secret_access_key, or with none of the two; external_id only with role_arn, session_token only with the keys, and keys without profile and role_arn';

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
  api_key: apiKey().optional().describe('Sent as `x-api-key`. Secret; best left to `${file:PATH}` or `${env:NAME}`.'),
  bearer: apiKey().optional().describe('Sent as `authorization: Bearer`. Secret.'),
  bearer_file: absolutePath().optional().describe('A file with the bearer in one line of at most 16 KiB. Read anew when it changes; while it cannot be read, this upstream alone is not used.'),
  bearer_command: list(text(COMMAND)).min(1, COMMAND).max(100, COMMAND).refine(([program = '']) => isAbsolute(program), { error: COMMAND }).optional()
    .describe('A program that prints the bearer in one line of at most 16 KiB: no shell, an environment of `PATH` alone, 10 seconds. Run again every 5 minutes, and when the upstream refuses the bearer.'),
  aws: awsCredential.optional().describe('Signs each request with AWS Signature Version 4. `{}`: the standard provider chain of AWS.'),
  google: z.strictObject({
    credentials_file: absolutePath().optional().describe('A file of a service account, a user or a workload identity.'),
  }, 'an object').optional().describe('An access token of Google. `{}`: application default credentials.'),
  entra: z.strictObject({
    tenant_id: checkedText('the id or name of a tenant, of letters, digits, dots and dashes', (value) => /^[A-Za-z0-9.-]{1,128}$/.test(value)).optional().describe('Absent: `AZURE_TENANT_ID` of the environment.'),
    client_id: label('the id of an application').optional().describe('An application, or a user-assigned managed identity. Absent: `AZURE_CLIENT_ID` of the environment.'),
    scope: fieldText('a scope such as https://ai.azure.com/.default').optional().describe('Absent: `https://ai.azure.com/.default`.'),
  }, 'an object').optional().describe('An access token of Entra: by `AZURE_FEDERATED_TOKEN_FILE`, else `AZURE_CLIENT_SECRET` of the environment, else the managed identity.'),
};
