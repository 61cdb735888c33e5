import { CloudCredentialError } from '../cloud-credential-error.ts';

/** Where the library asks for the token of every service account. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** What is used of the library's client and of its HTTP client. */
interface ServiceAccountClient {
  additionalClaims?: Record<string, unknown>;
  readonly transporter: { readonly interceptors: { readonly request: { add(interceptor: { readonly resolved: (config: RequestConfig) => Promise<RequestConfig> }): unknown } } };
}

interface RequestConfig {
  url: URL;
}

/**
 * Has the token of a service account asked for where its file names a server (`token_uri`), which the library does not read: a universe of one's own, or
 * a stand-in. The assertion is then made out to that server (RFC 7523 section 3, `aud`).
 *
 * @throws CloudCredentialError `invalid_value` for what is no URL with TLS; clear text is for loopback alone.
 */
export function useTokenUri(client: object, file: object | null, name: string): void {
  if (file === null || !('type' in file) || file.type !== 'service_account' || !('token_uri' in file) || file.token_uri === GOOGLE_TOKEN_URL) return;
  const url = tokenUrl(file.token_uri, name);
  const account = client as ServiceAccountClient;
  account.additionalClaims = { ...account.additionalClaims, aud: url.href };
  account.transporter.interceptors.request.add({
    resolved: (config) => {
      if (config.url.href === GOOGLE_TOKEN_URL) config.url = url;
      return Promise.resolve(config);
    },
  });
}

function tokenUrl(text: unknown, name: string): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))) return url;
  throw new CloudCredentialError('invalid_value', `token_uri of ${name} must be a URL that begins with https:`);
}
