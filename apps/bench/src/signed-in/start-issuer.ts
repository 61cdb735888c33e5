import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An issuer of tokens on loopback that only publishes its keys. */
export interface Issuer {
  readonly url: string;
  /** A token for a person of the group `engineers`, valid for a day. */
  tokenOf(subject: string): string;
}

/** The audience of its tokens, which also have the claim `owner` with the value `acme`. */
export const ISSUED_AUDIENCE = 'penstock-bench';

const LIFE_S = 86_000;

/** Starts it; it ends with `stack`. */
export async function startIssuer(stack: AsyncDisposableStack): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
  const server = createServer((request, response) => { response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/jwks` })); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => { server.closeAllConnections(); server.close(); });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    tokenOf(subject) {
      const now = Math.floor(Date.now() / 1_000);
      const claims = { iss: url, aud: ISSUED_AUDIENCE, sub: subject, iat: now, exp: now + LIFE_S, owner: 'acme', email: `${subject}@example.com`, email_verified: true, groups: ['engineers'] };
      const text = [{ alg: 'ES256', kid: 'bench', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
      return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    },
  };
}
