import { verifySignature, type SignedRequest } from '@penstock/test-support';
import type { ConfigDocument } from '../../start-test-gateway.ts';

export const REGION = 'us-east-1';
/** Of the clients. */
export const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' } as const;
/** Of the clients, and a key of the gateway where it admits by keys. */
export const TOKEN = 'pen_token-of-a-client-0123456789';
export const PROJECT = 'project-of-a-test';

/** Of the gateway. */
const OWN_KEYS = { accessKeyId: 'AKIDGATEWAY', secretAccessKey: 'the-secret-of-the-gateway' } as const;
const OWN_TOKEN = 'a-token-of-the-gateway';

type Verify = (request: SignedRequest) => string | undefined;

/** Wants a signature for a service of AWS. */
export const signed = (service: string, keys: { readonly accessKeyId: string; readonly secretAccessKey: string } = KEYS): Verify => (request) => verifySignature(request, { ...keys, region: REGION, service });
/** Wants one header field with one value. */
export const withField = (name: string, value: string): Verify => ({ rawHeaders }) => {
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  return values.length === 1 && values[0] === value ? undefined : `${name} is not the credential`;
};

/** A cloud behind the gateway. */
export interface CloudPlace {
  /** What stands between the gateway's origin and the path that a client of the cloud adds to an origin. */
  readonly mount: string;
  /** The configuration that leads to the cloud at an origin, with a credential of the gateway's own. */
  readonly document: (origin: string) => ConfigDocument;
  /** What is wrong with a request that is not of the gateway. */
  readonly verify: Verify;
}

const aws = { aws: { access_key_id: OWN_KEYS.accessKeyId, secret_access_key: OWN_KEYS.secretAccessKey } };
const upstream = (members: object): ConfigDocument => ({ anthropic_native: { upstreams: [{ name: 'cloud', ...members }] } });

export const BEDROCK: CloudPlace = {
  mount: '/bedrock', verify: signed('bedrock', OWN_KEYS), document: (origin) => ({ bedrock: { base_url: origin, region: REGION, credential: aws } }),
};
export const VERTEX: CloudPlace = {
  mount: '/vertex', verify: withField('authorization', `Bearer ${OWN_TOKEN}`),
  document: (origin) => ({ vertex: { base_url: origin, project_id: PROJECT, location: 'global', credential: { bearer: OWN_TOKEN } } }),
};
/** Its clients and the gateway both have the API below /anthropic. */
export const MANTLE: CloudPlace = {
  mount: '', verify: signed('bedrock-mantle', OWN_KEYS), document: (origin) => upstream({ kind: 'bedrock_mantle', base_url: `${origin}/anthropic`, region: REGION, credential: aws }),
};
export const FOUNDRY: CloudPlace = {
  mount: '', verify: withField('x-api-key', OWN_TOKEN), document: (origin) => upstream({ kind: 'foundry', resource: 'r', base_url: `${origin}/anthropic`, credential: { api_key: OWN_TOKEN } }),
};
export const PLATFORM_AWS: CloudPlace = {
  mount: '/anthropic', verify: signed('aws-external-anthropic', OWN_KEYS),
  document: (origin) => upstream({ kind: 'claude_platform_aws', base_url: origin, region: REGION, workspace_id: 'wrkspc_of_the_gateway', credential: aws }),
};
export const GOOGLE: CloudPlace = {
  mount: '/anthropic', verify: withField('authorization', `Bearer ${OWN_TOKEN}`),
  document: (origin) => upstream({ kind: 'google', base_url: origin, project_id: PROJECT, location: 'global', workspace_id: 'wrkspc_of_the_gateway', credential: { bearer: OWN_TOKEN } }),
};
