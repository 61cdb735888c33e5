import { createHash } from 'node:crypto';
import { answerText, type ProtocolAnswer } from '../protocol-messages.ts';

/** A part of a page, escaped. */
export interface Html {
  readonly html: string;
}

/** What a page shows. */
export interface PageContent {
  readonly title: string;
  readonly body: Html;
}

const STYLE = [
  ':root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:34rem;margin:4rem auto;padding:0 1rem}',
  'input,button{font:inherit;padding:.5rem .75rem}input{letter-spacing:.15em;text-transform:uppercase}',
  'dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}form{display:inline-block;margin:1rem .5rem 0 0}',
].join('');

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' };

/** Builds HTML; each value is escaped unless it is `Html` itself. */
export function html(parts: TemplateStringsArray, ...values: ReadonlyArray<string | Html>): Html {
  return { html: parts.reduce((text, part, index) => { const value = values[index - 1]; return text + (typeof value === 'string' ? escapeHtml(value) : value?.html ?? '') + part; }) };
}

/** A whole page, which no page of another site can frame, no cache keeps and no search engine lists. */
export function answerPage(status: number, { title, body }: PageContent, formTargets: readonly string[] = [], headers: readonly string[] = []): ProtocolAnswer {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${{ html: STYLE }}</style></head>
<body><h1>${title}</h1>
${body}
</body></html>
`;
  return answerText(status, 'text/html; charset=utf-8', page.html, [...pageHeaders(formTargets), ...headers]);
}

/** A page that only says something. */
export function answerNotice(status: number, title: string, sentence: string, headers: readonly string[] = []): ProtocolAnswer {
  return answerPage(status, { title, body: html`<p>${sentence}</p>` }, [], headers);
}

function pageHeaders(formTargets: readonly string[]): readonly string[] {
  return [
    // Browsers hold the redirects behind a form against form-action: the provider may send the browser on to any other sign-in page.
    'content-security-policy', `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action ${['\'self\'', ...formTargets].join(' ')}; frame-ancestors 'none'; base-uri 'none'`,
    // With no-referrer a browser would send `Origin: null` with the page's own form.
    'x-frame-options', 'DENY', 'x-content-type-options', 'nosniff', 'referrer-policy', 'same-origin', 'cross-origin-opener-policy', 'same-origin',
    'cross-origin-resource-policy', 'same-origin', 'x-robots-tag', 'noindex',
  ];
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
