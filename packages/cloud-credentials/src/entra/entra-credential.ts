import { readFile } from 'node:fs/promises';
import type { OptionType } from '@penstock/option-names';
import type { CloudCredential, RenewalOptions } from '../cloud-credential.ts';
import { checkOptions, RENEWAL_TYPES } from '../check-options.ts';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { loadLibrary } from '../load-library.ts';
import { MAX_TOKEN_BYTES } from '../token/bearer-token.ts';
import type { Expiring } from '../token/renewed-value.ts';
import { createTokenCredential } from '../token/token-credential.ts';
import { createTokenAgent, type TokenNetwork } from '../network/token-agent.ts';
import { EntraNetwork } from './entra-network.ts';
import { NetworkOfFetch } from './network-of-fetch.ts';
import { sendByAgent } from './send-by-agent.ts';
import type { SendTokenRequest } from './send-token-request.ts';

/** What Microsoft Foundry needs of an Entra token. */
export const FOUNDRY_SCOPE = 'https://ai.azure.com/.default';

/** Options of `createEntraCredential`. */
export interface EntraCredentialOptions extends RenewalOptions {
  /** @defaultValue the environment's `AZURE_TENANT_ID` */
  readonly tenantId?: string | undefined;
  /** The application, or a user-assigned managed identity. @defaultValue the environment's `AZURE_CLIENT_ID` */
  readonly clientId?: string | undefined;
  /** @defaultValue `FOUNDRY_SCOPE` */
  readonly scope?: string | undefined;
  /** Of which `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLIENT_SECRET` and `AZURE_AUTHORITY_HOST` are read. @defaultValue `process.env` */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** @defaultValue the libraries' own */
  readonly network?: TokenNetwork | undefined;
  /** In place of `network`. @defaultValue `fetch` */
  readonly send?: SendTokenRequest | undefined;
}

const TYPES: Readonly<Record<keyof EntraCredentialOptions, OptionType>> = { tenantId: 'string?', clientId: 'string?', scope: 'string?', environment: 'object?', network: 'object?', send: 'function?', ...RENEWAL_TYPES };
const IDENTIFIER = /^[A-Za-z0-9.-]{1,128}$/;
const PUBLIC_AUTHORITY = 'https://login.microsoftonline.com';

/**
 * An Entra access token, as a bearer: of a workload identity where the environment names a file with its token, else of an application with a secret where
 * the environment has one, else of the machine's managed identity.
 *
 * @throws CloudCredentialError `invalid_option`, `unknown_option`
 */
export function createEntraCredential(options: EntraCredentialOptions = {}): CloudCredential {
  checkOptions(options, TYPES);
  const { environment = process.env, scope = FOUNDRY_SCOPE } = options;
  const agent = createTokenAgent(options.network ?? {});
  const { send = agent === undefined ? fetch : sendByAgent(agent) } = options;
  const tenantId = options.tenantId ?? environment['AZURE_TENANT_ID'];
  const clientId = options.clientId ?? environment['AZURE_CLIENT_ID'];
  for (const [name, value] of Object.entries({ tenantId, clientId })) {
    if (value !== undefined && !IDENTIFIER.test(value)) throw new CloudCredentialError('invalid_option', `${name} must be 1 to 128 letters, digits, dots or dashes`);
  }
  return createTokenCredential({
    name: 'Entra', load,
    fetch: (signal) => fetchToken({ tenantId, clientId, scope, environment, network: new EntraNetwork(send, signal) }),
  }, options);
}

interface EntraRequest {
  readonly tenantId: string | undefined;
  readonly clientId: string | undefined;
  readonly scope: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly network: EntraNetwork;
}

async function fetchToken(request: EntraRequest): Promise<Expiring<string>> {
  const proof = await proofOf(request);
  const { accessToken, expiresOn } = proof === undefined ? await fromManagedIdentity(request) : await fromApplication(request, proof);
  if (!(expiresOn instanceof Date) || Number.isNaN(expiresOn.getTime())) throw new CloudCredentialError('invalid_value', 'Entra gave a token without an expiry');
  return { value: accessToken, expiresAt: expiresOn.getTime() };
}

interface Token {
  readonly accessToken: string;
  readonly expiresOn: Date | null;
}

type Proof = { readonly clientAssertion: string } | { readonly clientSecret: string };

/** What proves who an application is; `undefined` where the environment names nothing. */
async function proofOf({ environment }: EntraRequest): Promise<Proof | undefined> {
  const { AZURE_FEDERATED_TOKEN_FILE: file, AZURE_CLIENT_SECRET: secret } = environment;
  if (file !== undefined && file !== '') return { clientAssertion: await readAssertion(file) };
  return secret === undefined || secret === '' ? undefined : { clientSecret: secret };
}

async function readAssertion(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch {
    throw new CloudCredentialError('unavailable', `${file} cannot be read`);
  }
  if (text.length > MAX_TOKEN_BYTES || !/^[\x21-\x7e]+$/.test(text)) throw new CloudCredentialError('invalid_value', `${file} must hold one line of at most ${MAX_TOKEN_BYTES} bytes without spaces`);
  return text;
}

async function fromApplication({ tenantId, clientId, scope, environment, network }: EntraRequest, proof: Proof): Promise<Token> {
  if (tenantId === undefined || clientId === undefined) throw new CloudCredentialError('unavailable', 'Entra needs a tenant and a client id: set tenant_id and client_id, or AZURE_TENANT_ID and AZURE_CLIENT_ID');
  const { ConfidentialClientApplication } = await load();
  const authority = `${(environment['AZURE_AUTHORITY_HOST'] ?? PUBLIC_AUTHORITY).replace(/\/+$/, '')}/${tenantId}`;
  const application = new ConfidentialClientApplication({
    // The administrator names the authority: it is not looked up at another one whether there is one of that name.
    auth: { clientId, authority, knownAuthorities: [new URL(authority).host], ...proof }, system: { networkClient: network },
  });
  return await application.acquireTokenByClientCredential({ scopes: [scope], skipCache: true }) ?? { accessToken: '', expiresOn: null };
}

/** The library remembers, for the life of the process, what its first managed identity asked with: a network that may be aborted, or of another upstream. */
async function fromManagedIdentity({ clientId, scope, network }: EntraRequest): Promise<Token> {
  const { ManagedIdentityApplication } = await load();
  const application = new ManagedIdentityApplication({
    ...(clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }), system: { networkClient: new NetworkOfFetch(), disableInternalRetries: true },
  });
  return NetworkOfFetch.run(network, () => application.acquireToken({ resource: scope.replace(/\/\.default$/, ''), forceRefresh: true }));
}

function load(): Promise<typeof import('@azure/msal-node')> {
  return loadLibrary('@azure/msal-node', () => import('@azure/msal-node'));
}
