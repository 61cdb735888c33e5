import type { Agent } from 'node:https';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { loadLibrary } from '../load-library.ts';
import type { Expiring, ValueSource } from '../token/renewed-value.ts';
import { BoundedHandler } from './bounded-handler.ts';

/** Where keys for signing come from. */
export interface AwsSource {
  /** A profile of the shared configuration; with neither a profile nor keys, the standard provider chain: environment, files, web identity, container, instance. */
  readonly profile?: string | undefined;
  /** A role that is assumed with what the profile, or the chain, gives. */
  readonly roleArn?: string | undefined;
  /** Of `roleArn`. */
  readonly externalId?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

/** The keys that sign. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const KEY = /^[\x21-\x7e]{1,4096}$/;
/** How long keys without an expiry, such as those of a profile, are used before they are read again. Milliseconds. */
const REFRESH_MS = 300_000;
const SESSION_NAME = 'penstock';

/** What keys are fetched from. Throws `invalid_option` where members do not go together. */
export function createAwsSource(source: AwsSource, region: string, agent: Agent | undefined): ValueSource<AwsKeys> {
  const { profile, roleArn, externalId, accessKeyId, secretAccessKey, sessionToken } = source;
  const isFixed = accessKeyId !== undefined || secretAccessKey !== undefined || sessionToken !== undefined;
  if (isFixed && (accessKeyId === undefined || secretAccessKey === undefined)) throw new CloudCredentialError('invalid_option', 'accessKeyId and secretAccessKey must be given together');
  if (isFixed && (profile !== undefined || roleArn !== undefined)) throw new CloudCredentialError('invalid_option', 'accessKeyId must be given without profile and roleArn');
  if (externalId !== undefined && roleArn === undefined) throw new CloudCredentialError('invalid_option', 'externalId must be given with roleArn');
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const keys = checkKeys({ accessKeyId, secretAccessKey, sessionToken }, 'the configuration');
    return { name: 'the configuration', fetch: () => Promise.resolve({ value: keys, expiresAt: undefined }) };
  }
  const chain = profile === undefined ? 'the AWS provider chain' : `the AWS profile ${profile}`;
  const name = roleArn === undefined ? chain : `the AWS role ${roleArn}`;
  return { name, load, refreshMs: REFRESH_MS, fetch: () => fetchKeys({ profile, roleArn, externalId, region, name, agent }) };
}

interface KeyRequest extends Pick<AwsSource, 'profile' | 'roleArn' | 'externalId'> {
  readonly region: string;
  readonly name: string;
  readonly agent: Agent | undefined;
}

/** Providers are made anew for each fetch: they keep what they found, and files may have changed. */
async function fetchKeys({ profile, roleArn, externalId, region, name, agent }: KeyRequest): Promise<Expiring<AwsKeys>> {
  const { fromNodeProviderChain, fromTemporaryCredentials } = await load();
  // Of the library's own clients; keys of containers and instances come by plain HTTP, without them.
  const clientConfig = { region, requestHandler: new BoundedHandler(agent) };
  const chain = fromNodeProviderChain({ clientConfig, ...(profile === undefined ? {} : { profile }) });
  const provider = roleArn === undefined ? chain : fromTemporaryCredentials({
    masterCredentials: chain, clientConfig, params: { RoleArn: roleArn, RoleSessionName: SESSION_NAME, ...(externalId === undefined ? {} : { ExternalId: externalId }) },
  });
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider();
  const expiresAt = expiration?.getTime();
  if (Number.isNaN(expiresAt)) throw new CloudCredentialError('invalid_value', `${name} gave keys whose expiry is no time`);
  return { value: checkKeys({ accessKeyId, secretAccessKey, sessionToken }, name), expiresAt };
}

function load(): Promise<typeof import('@aws-sdk/credential-providers')> {
  return loadLibrary('@aws-sdk/credential-providers', () => import('@aws-sdk/credential-providers'));
}

function checkKeys({ accessKeyId, secretAccessKey, sessionToken }: { readonly accessKeyId: unknown; readonly secretAccessKey: unknown; readonly sessionToken: unknown }, name: string): AwsKeys {
  const isKey = (value: unknown): value is string => typeof value === 'string' && KEY.test(value);
  if (!isKey(accessKeyId) || !isKey(secretAccessKey) || (sessionToken !== undefined && !isKey(sessionToken))) {
    throw new CloudCredentialError('invalid_value', `${name} gave keys that cannot sign`);
  }
  return sessionToken === undefined ? { accessKeyId, secretAccessKey } : { accessKeyId, secretAccessKey, sessionToken };
}
