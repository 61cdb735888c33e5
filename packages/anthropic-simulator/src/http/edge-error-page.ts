import { bytesAnswer, type Answer } from './answer.ts';

const TITLES: Readonly<Record<number, string>> = Object.freeze({
  403: 'Just a moment...', 413: '413 Request Entity Too Large', 502: '502 Bad Gateway', 504: '504 Gateway Time-out',
  520: '520: Web server is returning an unknown error', 521: '521: Web server is down', 522: '522: Connection timed out',
  523: '523: Origin is unreachable', 524: '524: A timeout occurred',
});

/** An error that the edge in front of the API makes itself: HTML, no `request-id`, no JSON. */
export function edgeErrorPage(status: number, requestId: string): Answer {
  const title = TITLES[status] ?? `Error ${status}`;
  const page = [
    '<!DOCTYPE html>', `<html lang="en-US"><head><title>${title}</title></head>`,
    `<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>cloudflare</center>`,
    `<!-- Ray ID: ${requestId.slice(-16).toLowerCase()} -->`, '</body></html>', '',
  ].join('\r\n');
  return { ...bytesAnswer(Buffer.from(page), 'text/html; charset=UTF-8', [['Cache-Control', 'no-store, no-cache, must-revalidate']]), status, headerFamily: 'edge' };
}

/** The 413 that the edge makes before the API sees the request: no top-level type, no request id. */
export function edgeTooLarge(): Answer {
  const body = Buffer.from('{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}');
  return { ...bytesAnswer(body, 'application/json'), status: 413, headerFamily: 'edge' };
}
