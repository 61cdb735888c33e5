import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { valueProblem } from '../config-error.ts';
import { configuredClouds } from '../configured-clouds.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Whether a text holds at least one certificate and no broken one. */
function holdsCertificates(pem: string): boolean {
  const blocks = pem.match(CERTIFICATE) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).raw.length > 0);
  } catch {
    return false;
  }
}

const authoritiesAreCertificates: CrossFieldRule = {
  reads: ['server.tls.client_ca', 'anthropic_native.ca', 'anthropic_native.upstreams', 'openai_front_door.backends', 'bedrock', 'vertex', 'identity.issuers', 'identity.sign_in', 'telemetry'],
  check: ({ server, anthropic_native: native, openai_front_door: frontDoor, bedrock, vertex, identity, telemetry }) => {
    const authorities = [
      { path: 'server.tls.client_ca', pem: server.tls?.client_ca },
      { path: 'anthropic_native.ca', pem: native.ca },
      ...native.upstreams.map(({ ca }, index) => ({ path: `anthropic_native.upstreams[${index}].ca`, pem: ca })),
      ...frontDoor.backends.map(({ ca }, index) => ({ path: `openai_front_door.backends[${index}].ca`, pem: ca })),
      ...configuredClouds({ bedrock, vertex }).map(({ name, config: { ca } }) => ({ path: `${name}.ca`, pem: ca })),
      ...identity.issuers.map(({ ca }, index) => ({ path: `identity.issuers[${index}].ca`, pem: ca })),
      ...telemetry.forward_to.map(({ ca }, index) => ({ path: `telemetry.forward_to[${index}].ca`, pem: ca })),
      { path: 'identity.sign_in.oidc.ca', pem: identity.sign_in?.oidc.ca },
    ];
    return authorities.flatMap(({ path, pem }): ConfigProblem[] => (pem === undefined || holdsCertificates(pem)
      ? []
      : [valueProblem(path, 'PEM with at least one certificate, and no broken one', 'something else')]));
  },
};

const certificateFitsItsKey: CrossFieldRule = {
  reads: ['server.tls'],
  check: ({ server: { tls } }) => {
    if (tls === undefined) return [];
    try {
      createSecureContext({ cert: tls.cert, key: tls.key });
      // The context of an older OpenSSL takes a key of another kind than the certificate's, and fails with the first client.
      if (new X509Certificate(tls.cert).checkPrivateKey(createPrivateKey(tls.key))) return [];
    } catch {
      // OpenSSL's message is about its own parser, and would come only when the listener starts.
    }
    return [valueProblem('server.tls.key', 'the private key of server.tls.cert, both PEM and the key not encrypted', 'a pair that TLS cannot use')];
  },
};

/** Certificates and keys that TLS will take. */
export const tlsRules: readonly CrossFieldRule[] = [authoritiesAreCertificates, certificateFitsItsKey];
