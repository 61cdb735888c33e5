import { Buffer } from 'node:buffer';
import { invalidValue, type JsonObject } from './json-value.ts';

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const DATA_URL_HEAD = /^data:([^;,]*)((?:;[^;,]*)*),/i;
const LONGEST_DATA_URL_HEAD = 256;

interface DataUrl {
  readonly mediaType: string;
  readonly data: string;
}

function parseDataUrl(url: string, param: string): DataUrl {
  const head = DATA_URL_HEAD.exec(url.slice(0, LONGEST_DATA_URL_HEAD));
  if (head === null || !/;base64$/i.test(head[2] ?? '')) throw invalidValue(param, 'a data: URL must be base64-encoded');
  const data = url.slice(head[0].length);
  if (data.length % 4 !== 0 || !BASE64.test(data)) throw invalidValue(param, 'the data: URL does not hold base64');
  const mediaType = (head[1] ?? '').toLowerCase();
  return { mediaType: mediaType === 'image/jpg' ? 'image/jpeg' : mediaType, data };
}

function requireHttpsUrl(url: string, param: string): string {
  // The upstream fetches it, never this gateway: a client must not be able to make us call an address of its choice.
  if (!/^https:\/\//i.test(url) || !URL.canParse(url)) throw invalidValue(param, 'expected a data: URL or an https: URL');
  return url;
}

/** The source of an image block, or of a document block when the data: URL holds a PDF. */
export function mediaBlock(url: string, param: string): JsonObject {
  if (!/^data:/i.test(url)) return { type: 'image', source: { type: 'url', url: requireHttpsUrl(url, param) } };
  const { mediaType, data } = parseDataUrl(url, param);
  if (mediaType === 'application/pdf') return documentOf(data);
  if (!IMAGE_TYPES.has(mediaType)) throw invalidValue(param, 'an image must be JPEG, PNG, GIF or WebP');
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
}

function documentOf(data: string): JsonObject {
  return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } };
}

/** The document block of a file: a PDF as data: URL, bare base64 or https: URL, or a plain text as data: URL. */
export function documentBlock(fileData: string, param: string): JsonObject {
  if (/^https?:/i.test(fileData)) return { type: 'document', source: { type: 'url', url: requireHttpsUrl(fileData, param) } };
  if (!/^data:/i.test(fileData)) {
    // `JVBERi` is how every PDF begins in base64 ("%PDF-").
    if (fileData.startsWith('JVBERi') && fileData.length % 4 === 0 && BASE64.test(fileData)) return documentOf(fileData);
    throw invalidValue(param, 'expected a PDF as data: URL, base64 or https: URL');
  }
  const { mediaType, data } = parseDataUrl(fileData, param);
  if (mediaType === 'application/pdf') return documentOf(data);
  if (mediaType.startsWith('image/')) return mediaBlock(fileData, param);
  if (mediaType !== 'text/plain') throw invalidValue(param, 'a file must be a PDF, a plain text or an image');
  return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: decodeText(data, param) } };
}

function decodeText(data: string, param: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(data, 'base64'));
    if (text.trim() !== '') return text;
  } catch {
    throw invalidValue(param, 'the text is not UTF-8');
  }
  throw invalidValue(param, 'the text is empty');
}
