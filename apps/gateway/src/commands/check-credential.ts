import type { CloudCredentialErrorCode, CredentialStatus } from '@penstock/cloud-credentials';
import type { ConfiguredCloud } from '../config/configured-clouds.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { EffectiveUpstream } from '../config/native-upstreams.ts';
import { createCloudCredential } from '../native/upstreams/cloud-upstream-credential.ts';
import { createUpstreamCredential } from '../native/upstreams/upstream-credential.ts';
import { KIND_TRAITS } from '../native/upstreams/upstream-kinds.ts';
import { askCloud } from './ask-cloud.ts';
import { cloudCount, nativeCount } from './count-request.ts';
import { answerAt, type OnlineAnswer } from './online-answer.ts';

/** What an operator looks at, by what a credential fails with; nothing where the message names it. */
const ADVICE: Readonly<Record<CloudCredentialErrorCode, string | undefined>> = {
  invalid_option: undefined, unknown_option: undefined, library_missing: undefined, command_failed: 'run it as the user of the gateway, with an environment of PATH alone',
  timeout: 'see whether this machine reaches its token server, and whether it needs the proxy of this upstream', unavailable: 'see whether the profile, role, file or identity is there, and whether this machine reaches its token server, which may need the proxy or the ca of this upstream',
  invalid_value: undefined, expired: 'see whether the clock of this machine is right', invalid_request: undefined, closed: undefined,
};

/** Fetches the credential of a cloud's upstream once, and asks the upstream once with it. */
export async function checkUpstreamCredential(at: string, upstream: EffectiveUpstream, version: GatewayConfig['anthropic_native']['version'], timeoutMs: number): Promise<OnlineAnswer> {
  let status: CredentialStatus | undefined;
  const credential = createCloudCredential(upstream, { onStatus: (next) => { status = next; }, onReplaced: () => undefined });
  const fixed = createUpstreamCredential(upstream.credential);
  try {
    const own = ['anthropic-version', version, ...KIND_TRAITS[upstream.kind].fields(upstream), ...fixed.fields()];
    await credential?.renew();
    const answer = await askCloud({
      ...upstream, baseUrl: upstream.base_url, count: nativeCount(upstream), timeoutMs, isSigned: credential?.signsBody === true,
      fieldsFor: async (method, url, fields, body) => {
        const headers = [...own, ...fields];
        return credential === undefined ? headers : await credential.applyTo({ method, url, headers, body });
      },
    });
    return describeCredential(at, status, answer);
  } catch (error) {
    return describeFailure(at, error);
  } finally {
    credential?.close();
    fixed.close();
  }
}

/** The same for a side that speaks a cloud's own format. */
export async function checkSideCredential(cloud: ConfiguredCloud, timeoutMs: number): Promise<OnlineAnswer> {
  const { name, config } = cloud;
  const [member] = Object.entries(config.credential).find(([, value]) => value !== undefined) ?? [];
  const at = member === undefined ? `${name}.credential (the standard chain)` : `${name}.credential.${member}`;
  const { createCredential } = await import('../clouds/create-credential.ts');
  const credential = createCredential(cloud, () => undefined);
  try {
    await credential.renew();
    const answer = await askCloud({
      ...config, baseUrl: cloud.baseUrl, count: cloudCount(cloud), timeoutMs, isSigned: name === 'bedrock' && (member === undefined || member === 'aws'),
      fieldsFor: async (method, url, fields, body) => [...fields, ...await credential.fieldsFor({ method, url: new URL(url), headers: [...fields], body })],
    });
    return describeCredential(at, credential.status(), answer);
  } catch (error) {
    return describeFailure(at, error);
  } finally {
    credential.close();
  }
}

function describeCredential(at: string, status: CredentialStatus | undefined, { text, accepted }: OnlineAnswer): OnlineAnswer {
  const until = status?.expiresAt === undefined ? '' : `, good until ${new Date(status.expiresAt).toISOString()}`;
  return answerAt(at, { text: `there is a credential${until}; ${text}`, accepted });
}

function describeFailure(at: string, error: unknown): OnlineAnswer {
  const { message, code } = error as Error & { readonly code?: unknown };
  const advice = typeof code === 'string' && Object.hasOwn(ADVICE, code) ? ADVICE[code as CloudCredentialErrorCode] : undefined;
  return answerAt(at, { text: `${message}${advice === undefined ? '' : `; ${advice}`}`, accepted: false });
}
