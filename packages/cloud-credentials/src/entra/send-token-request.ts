/** A token request, as `fetch` takes it. Redirects are errors: a token server has none, and a proof must not follow one. */
export interface TokenRequestInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly redirect: 'error';
  readonly signal: AbortSignal;
}

/** How token requests are sent: the part of `fetch` that is used. Its declaration names no type of a library, which may not be installed. */
export type SendTokenRequest = (url: string, init: TokenRequestInit) => Promise<Response>;
