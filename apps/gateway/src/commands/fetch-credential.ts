import type { CloudCredentialErrorCode, CredentialStatus } from '@penstock/cloud-credentials';
import type { ConfiguredCloud } from '../config/configured-clouds.ts';
import type { EffectiveUpstream } from '../config/native-upstreams.ts';
import { createCloudCredential } from '../native/upstreams/cloud-upstream-credential.ts';
import { createUpstreamCredential } from '../native/upstreams/upstream-credential.ts';

/** What came of asking an upstream, or for its credential. */
export interface OnlineAnswer {
  /** One line for people. */
  readonly text: string;
  readonly accepted: boolean;
}

/** What an operator looks at, by what a credential fails with; nothing where the message names it. */
const ADVICE: Readonly<Record<CloudCredentialErrorCode, string | undefined>> = {
  invalid_option: undefined, unknown_option: undefined, library_missing: undefined, command_failed: 'run it as the user of the gateway, with an environment of PATH alone',
  timeout: 'see whether this machine reaches its token server, and whether it needs the proxy of this upstream', unavailable: 'see whether the profile, role, file or identity is there, and whether this machine reaches its token server, which may need the proxy or the ca of this upstream',
  invalid_value: undefined, expired: 'see whether the clock of this machine is right', invalid_request: undefined, closed: undefined,
};

/** Fetches the credential of a cloud's upstream once. No cloud has a request that every credential may make, so that the upstream itself is not asked. */
export async function fetchUpstreamCredential(at: string, upstream: EffectiveUpstream): Promise<OnlineAnswer> {
  let status: CredentialStatus | undefined;
  const credential = createCloudCredential(upstream, { onStatus: (next) => { status = next; }, onReplaced: () => undefined });
  const fixed = createUpstreamCredential(upstream.credential);
  try {
    fixed.fields();
    await credential?.renew();
    return describeCredential(at, upstream.base_url, status);
  } catch (error) {
    return describeFailure(at, error);
  } finally {
    credential?.close();
    fixed.close();
  }
}

/** The same for a side that speaks a cloud's own format. */
export async function fetchSideCredential(cloud: ConfiguredCloud): Promise<OnlineAnswer> {
  const [member] = Object.entries(cloud.config.credential).find(([, value]) => value !== undefined) ?? [];
  const at = member === undefined ? `${cloud.name}.credential (the standard chain)` : `${cloud.name}.credential.${member}`;
  const { createCredential } = await import('../clouds/create-credential.ts');
  const credential = createCredential(cloud, () => undefined);
  try {
    await credential.renew();
    return describeCredential(at, cloud.baseUrl, credential.status());
  } catch (error) {
    return describeFailure(at, error);
  } finally {
    credential.close();
  }
}

function describeCredential(at: string, baseUrl: string, status: CredentialStatus | undefined): OnlineAnswer {
  const until = status?.expiresAt === undefined ? '' : `, good until ${new Date(status.expiresAt).toISOString()}`;
  return { text: `${at}: there is a credential${until}; ${new URL(baseUrl).origin} was not asked whether it takes it`, accepted: true };
}

function describeFailure(at: string, error: unknown): OnlineAnswer {
  const { message, code } = error as Error & { readonly code?: unknown };
  const advice = typeof code === 'string' && Object.hasOwn(ADVICE, code) ? ADVICE[code as CloudCredentialErrorCode] : undefined;
  return { text: `${at}: ${message}${advice === undefined ? '' : `; ${advice}`}`, accepted: false };
}
