import { Buffer } from 'node:buffer';
import { invalidValue, requireString, type JsonObject } from '../json/json-value.ts';

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const DATA_URL_HEAD = /^data:([^;,]*)((?:;[^;,]*)*),/i;
const LONGEST_DATA_URL_HEAD = 256;
const ASCII_SPACE = /[\t\n\f\r ]+/g;
const NO_BASE64 = /[^A-Za-z0-9+/]/;

interface DataUrl {
  readonly mediaType: string;
  readonly data: string;
}

/**
 * Base64 as the upstream takes it, from what browsers take (forgiving-base64 decode, https://infra.spec.whatwg.org/#forgiving-base64-decode):
 * with line breaks, as `base64` writes them, and without padding. `undefined` for what is none, or nothing.
 */
export function tidyBase64(text: string): string | undefined {
  const dense = text.replaceAll(ASCII_SPACE, '');
  const digits = dense.length % 4 === 0 ? dense.replace(/={1,2}$/, '') : dense;
  if (digits === '' || digits.length % 4 === 1 || NO_BASE64.test(digits)) return undefined;
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=');
}

function requireBase64(text: string, param: string): string {
  const data = tidyBase64(text);
  if (data === undefined) throw invalidValue(param, 'the data: URL does not hold base64');
  return data;
}

function parseDataUrl(url: string, param: string): DataUrl {
  const head = DATA_URL_HEAD.exec(url.slice(0, LONGEST_DATA_URL_HEAD));
  if (head === null || !/; *base64$/i.test(head[2] ?? '')) throw invalidValue(param, 'a data: URL must be base64-encoded');
  return { mediaType: mediaTypeOf(head[1] ?? ''), data: requireBase64(url.slice(head[0].length), param) };
}

function mediaTypeOf(text: string): string {
  const mediaType = text.trim().toLowerCase();
  return mediaType === 'image/jpg' ? 'image/jpeg' : mediaType;
}

function requireHttpsUrl(url: string, param: string): string {
  // The upstream fetches it, never this gateway: a client must not be able to make us call an address of its choice.
  if (!/^https:\/\//i.test(url) || !URL.canParse(url)) throw invalidValue(param, 'expected a data: URL or an https: URL');
  return url;
}

/** The source of an image block, or of a document block when the data: URL holds a PDF. */
export function mediaBlock(given: string, param: string): JsonObject {
  const url = given.trim();
  if (!/^data:/i.test(url)) return { type: 'image', source: { type: 'url', url: requireHttpsUrl(url, param) } };
  const { mediaType, data } = parseDataUrl(url, param);
  return mediaType === 'application/pdf' ? documentOf(data) : imageOf(mediaType, data, param);
}

function imageOf(mediaType: string, data: string, param: string): JsonObject {
  if (!IMAGE_TYPES.has(mediaType)) throw invalidValue(param, 'an image must be JPEG, PNG, GIF or WebP');
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
}

/** The block of an image whose source is written as Anthropic writes it. */
export function sourceBlock(source: JsonObject, param: string): JsonObject {
  switch (source['type']) {
    case 'url': return { type: 'image', source: { type: 'url', url: requireHttpsUrl(requireString(source['url'], `${param}.url`), `${param}.url`) } };
    case 'base64': {
      const data = tidyBase64(requireString(source['data'], `${param}.data`));
      if (data === undefined) throw invalidValue(`${param}.data`, 'expected base64');
      return imageOf(mediaTypeOf(requireString(source['media_type'], `${param}.media_type`)), data, `${param}.media_type`);
    }
    default: throw invalidValue(`${param}.type`, 'expected base64 or url');
  }
}

function documentOf(data: string): JsonObject {
  return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } };
}

/** The document block of a file: a PDF as data: URL, bare base64 or https: URL, or a plain text as data: URL. */
export function documentBlock(given: string, param: string): JsonObject {
  const fileData = given.trim();
  if (/^https?:/i.test(fileData)) return { type: 'document', source: { type: 'url', url: requireHttpsUrl(fileData, param) } };
  if (!/^data:/i.test(fileData)) {
    // `JVBERi` is how every PDF begins in base64 ("%PDF-").
    const data = tidyBase64(fileData);
    if (data?.startsWith('JVBERi') === true) return documentOf(data);
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
