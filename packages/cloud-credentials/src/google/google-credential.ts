import type { Agent } from 'node:https';
import type { OptionType } from '@penstock/option-names';
import type { CloudCredential, RenewalOptions } from '../cloud-credential.ts';
import { checkOptions, RENEWAL_TYPES } from '../check-options.ts';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { loadLibrary } from '../load-library.ts';
import { createTokenAgent, type TokenNetwork } from '../network/token-agent.ts';
import type { Expiring } from '../token/renewed-value.ts';
import { createTokenCredential } from '../token/token-credential.ts';
import { useTokenUri } from './token-uri.ts';

/** What the clouds of this package need of a Google token. */
export const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** Options of `createGoogleCredential`. */
export interface GoogleCredentialOptions extends RenewalOptions {
  /** A file of a service account, a user, or a workload identity. Absent: application default credentials, which end at the metadata server. */
  readonly credentialsFile?: string | undefined;
  /** @defaultValue `GOOGLE_SCOPE` */
  readonly scope?: string | undefined;
  /** @defaultValue the library's own */
  readonly network?: TokenNetwork | undefined;
}

const TYPES: Readonly<Record<keyof GoogleCredentialOptions, OptionType>> = { credentialsFile: 'string?', scope: 'string?', network: 'object?', ...RENEWAL_TYPES };

/**
 * A Google access token, as a bearer.
 *
 * @throws CloudCredentialError `invalid_option`, `unknown_option`
 */
export function createGoogleCredential(options: GoogleCredentialOptions = {}): CloudCredential {
  checkOptions(options, TYPES);
  const { credentialsFile, scope = GOOGLE_SCOPE } = options;
  const agent = createTokenAgent(options.network ?? {});
  const name = credentialsFile ?? 'the application default credentials of Google';
  return createTokenCredential({ name, load, fetch: () => fetchToken({ credentialsFile, scope, name, agent }) }, options);
}

/** Bytes of the longest answer of a token server that is read. */
const MAX_ANSWER_BYTES = 262_144;

interface GoogleRequest {
  readonly credentialsFile: string | undefined;
  readonly scope: string;
  readonly name: string;
  readonly agent: Agent | undefined;
}

/** The library is set up anew for each token: it keeps what it read, and the file may have changed. */
async function fetchToken({ credentialsFile, scope, name, agent }: GoogleRequest): Promise<Expiring<string>> {
  const { GoogleAuth } = await load();
  // The file is named by the administrator, who is trusted with it; the library warns of files that others choose.
  const auth = new GoogleAuth({
    scopes: [scope], ...(credentialsFile === undefined ? {} : { keyFilename: credentialsFile }),
    clientOptions: { transporterOptions: { redirect: 'error', maxContentLength: MAX_ANSWER_BYTES, ...(agent === undefined ? {} : { agent: (url: URL) => (url.protocol === 'https:' ? agent : undefined) as never }) } },
  });
  const client = await auth.getClient();
  shareTransporter(client);
  useTokenUri(client, auth.jsonContent, name);
  const { token } = await client.getAccessToken();
  if (typeof token !== 'string') throw new CloudCredentialError('invalid_value', `${name} gave no token`);
  const { expiry_date: expiresAt } = client.credentials;
  // Every Google token has an expiry: without one the answer is not Google's.
  if (typeof expiresAt !== 'number' || !Number.isFinite(expiresAt)) throw new CloudCredentialError('invalid_value', `${name} gave a token without an expiry`);
  return { value: token, expiresAt };
}

/** A workload identity exchanges its token by a part that the library gives a transporter of its own. */
function shareTransporter(client: { readonly transporter: object }): void {
  const { stsCredential } = client as { readonly stsCredential?: { transporter: object } };
  if (stsCredential !== undefined) stsCredential.transporter = client.transporter;
}

function load(): Promise<typeof import('google-auth-library')> {
  return loadLibrary('google-auth-library', () => import('google-auth-library'));
}
