/** A page as the test's browser sees it. */
export interface BrowsedPage {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A browser as far as pages without scripts need one. */
export interface PageBrowser {
  open(url: string): Promise<BrowsedPage>;
  /** Posts a form of the page, the first one unless another is named, with its own fields and further ones. */
  submit(page: BrowsedPage, fields?: Readonly<Record<string, string>>, form?: number): Promise<BrowsedPage>;
  /** By origin and name. */
  readonly cookies: Map<string, Map<string, string>>;
}

const MOST_REDIRECTS = 20;

/** A browser of its own: keeps cookies by origin, follows redirects, posts forms with the header fields that a browser sends. */
export function createPageBrowser(): PageBrowser {
  const cookies = new Map<string, Map<string, string>>();

  async function go(url: string, init: RequestInit): Promise<BrowsedPage> {
    let [target, options] = [url, init];
    for (let step = 0; step < MOST_REDIRECTS; step += 1) {
      const { origin } = new URL(target);
      const jar = cookies.get(origin) ?? new Map<string, string>();
      cookies.set(origin, jar);
      const headers = new Headers(options.headers);
      if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
      const answer = await fetch(target, { ...options, headers, redirect: 'manual' });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';');
        const equals = pair.indexOf('=');
        if (/max-age=0|expires=thu, 01 jan 1970/i.test(cookie)) jar.delete(pair.slice(0, equals));
        else jar.set(pair.slice(0, equals), pair.slice(equals + 1));
      }
      const location = answer.headers.get('location');
      const text = await answer.text();
      if (location === null || answer.status < 300 || answer.status > 399) return { url: target, status: answer.status, headers: answer.headers, text };
      target = new URL(location, target).href;
      options = { method: 'GET' };
    }
    throw new Error('too many redirects');
  }

  return {
    cookies,
    open: (url) => go(url, { method: 'GET', headers: { 'sec-fetch-site': 'none' } }),
    submit(page, fields = {}, form = 0) {
      const text = page.text.split('<form ').slice(1)[form]?.split('</form>')[0] ?? '';
      const action = /action="([^"]*)"/.exec(text)?.[1] ?? '';
      const body = new URLSearchParams([...text.matchAll(/<input ([^>]*)>/g)].map(([, attributes = '']) => [/name="([^"]*)"/.exec(attributes)?.[1] ?? '', /value="([^"]*)"/.exec(attributes)?.[1] ?? '']));
      for (const [name, value] of Object.entries(fields)) body.set(name, value);
      return go(new URL(action, page.url).href, { method: 'POST', body, headers: { origin: new URL(page.url).origin, 'sec-fetch-site': 'same-origin' } });
    },
  };
}
