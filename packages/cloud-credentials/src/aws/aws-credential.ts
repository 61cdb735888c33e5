import type { OptionType } from '@penstock/option-names';
import type { CloudCredential, RenewalOptions, RequestToSign } from '../cloud-credential.ts';
import { checkOptions, RENEWAL_TYPES } from '../check-options.ts';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { loadLibrary } from '../load-library.ts';
import { createTokenAgent, type TokenNetwork } from '../network/token-agent.ts';
import { RenewedValue } from '../token/renewed-value.ts';
import { createAwsSource, type AwsKeys, type AwsSource } from './aws-source.ts';
import { bodyDigest, readQuery, Sha256, signedFields } from './signed-parts.ts';

/** Options of `createAwsCredential`. */
export interface AwsCredentialOptions extends RenewalOptions {
  /** The region of the scope, such as `us-east-1`. */
  readonly region: string;
  /** The service of the scope, such as `bedrock`. */
  readonly service: string;
  /** @defaultValue `{}`: the standard provider chain */
  readonly source?: AwsSource | undefined;
  /** @defaultValue the library's own */
  readonly network?: TokenNetwork | undefined;
}

const TYPES: Readonly<Record<keyof AwsCredentialOptions, OptionType>> = { region: 'string', service: 'string', source: 'object?', network: 'object?', ...RENEWAL_TYPES };
const SOURCE_TYPES: Readonly<Record<keyof AwsSource, OptionType>> = { profile: 'string?', roleArn: 'string?', externalId: 'string?', accessKeyId: 'string?', secretAccessKey: 'string?', sessionToken: 'string?' };
const SCOPE = /^[a-z0-9-]{1,64}$/;

/**
 * Signs each request with AWS Signature Version 4, its body included. Covered are `host`, `content-type`, `anthropic-*` and `x-amz*`; the fields that it
 * gives are `authorization`, `x-amz-date`, `x-amz-content-sha256` and, of temporary keys, `x-amz-security-token`.
 *
 * @throws CloudCredentialError `invalid_option`, `unknown_option`
 */
export function createAwsCredential(options: AwsCredentialOptions): CloudCredential {
  checkOptions(options, TYPES);
  checkOptions(options.source ?? {}, SOURCE_TYPES);
  const { region, service, source = {}, now = Date.now } = options;
  for (const [name, value] of [['region', region], ['service', service]] as const) {
    if (!SCOPE.test(value)) throw new CloudCredentialError('invalid_option', `${name} must be 1 to 64 lower-case letters, digits or dashes, received ${value.slice(0, 80)}`);
  }
  const keys = new RenewedValue(createAwsSource(source, region, createTokenAgent(options.network ?? {})), options);
  const sign = async (request: Parts): Promise<readonly string[]> => {
    const { SignatureV4 } = await loadLibrary('@smithy/signature-v4', () => import('@smithy/signature-v4'));
    const credentials: AwsKeys = await keys.get();
    const signer = new SignatureV4({ region, service, credentials, sha256: Sha256 });
    const { headers } = await signer.sign({ ...request, headers: { ...request.headers } }, { signingDate: new Date(now()) });
    return ADDED.flatMap((name) => (headers[name] === undefined ? [] : [name, headers[name]]));
  };
  return {
    // The body is read before anything is waited for: its memory is the caller's again.
    fieldsFor: (request) => sign(partsOf(request)),
    renew: () => keys.renew(),
    refused: () => { keys.refused(); },
    status: () => keys.status(),
    close: () => { keys.close(); },
  };
}

const ADDED = ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'] as const;

/** A request as the library takes it. */
interface Parts {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly path: string;
  readonly query: Record<string, string | string[]>;
  readonly headers: Record<string, string>;
}

function partsOf({ method, url, headers, body }: RequestToSign): Parts {
  return {
    method, protocol: url.protocol, hostname: url.hostname, path: url.pathname, query: readQuery(url.search),
    headers: { ...signedFields(headers), host: url.host, 'x-amz-content-sha256': bodyDigest(body) },
  };
}
