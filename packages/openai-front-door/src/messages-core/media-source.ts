import { Buffer } from 'node:buffer';
import { invalidValue, requireString, type JsonObject } from '../json/json-value.ts';

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const DATA_URL_HEAD = /^data:([^;,]*)((?:;[^;,]*)*),/i;
const LONGEST_DATA_URL_HEAD = 256;
const ASCII_SPACE = /[\t\n\f\r ]+/g;
const PERCENT = 0x25;
/** Media types whose data is a text, which the model reads as such. */
const TEXT_TYPES = /^(?:text\/.+|application\/(?:json|xml|yaml|x-yaml|toml|javascript|x-ndjson|sql|.+\+(?:json|xml)))$/;
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

/** The value of a hexadecimal digit, `NaN` of any other character. */
function hexDigit(code: number | undefined): number {
  return code === undefined ? Number.NaN : Number.parseInt(String.fromCharCode(code), 16);
}

/** The bytes that a text stands for, its percent escapes decoded (RFC 3986 section 2.1); a `%` that begins none stands for itself. */
function percentDecoded(text: string): Buffer {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    const value = byte === PERCENT ? hexDigit(bytes[index + 1]) * 16 + hexDigit(bytes[index + 2]) : Number.NaN;
    bytes[length] = Number.isNaN(value) ? byte : value;
    length += 1;
    if (!Number.isNaN(value)) index += 2;
  }
  return bytes.subarray(0, length);
}

/** A data: URL (RFC 2397): in base64, which may itself be percent-encoded, or a text that is percent-encoded. */
function parseDataUrl(url: string, param: string): DataUrl {
  const head = DATA_URL_HEAD.exec(url.slice(0, LONGEST_DATA_URL_HEAD));
  if (head === null) throw invalidValue(param, 'expected a data: URL, such as data:image/png;base64,...');
  const mediaType = mediaTypeOf(head[1] ?? '');
  const given = url.slice(head[0].length);
  if (!/; *base64$/i.test(head[2] ?? '')) {
    if (mediaType !== '' && !TEXT_TYPES.test(mediaType)) throw invalidValue(param, 'a data: URL of anything but a text must be base64-encoded');
    return { mediaType: mediaType === '' ? 'text/plain' : mediaType, data: percentDecoded(given).toString('base64') };
  }
  return { mediaType, data: requireBase64(given.includes('%') ? percentDecoded(given).toString('latin1') : given, param) };
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

/** The document block of a file: a PDF as data: URL, bare base64 or https: URL, or a text of any kind as data: URL. */
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
  if (!TEXT_TYPES.test(mediaType)) throw invalidValue(param, 'a file must be a PDF, a text (such as text/csv or application/json) or an image');
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
