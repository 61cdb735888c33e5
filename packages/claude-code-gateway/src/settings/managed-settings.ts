import { Buffer } from 'node:buffer';
import { answerJson, headerOf, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import { settingsChecksum } from './canonical-json.ts';

/** A settings document as the client reads it. */
export type SettingsDocument = Readonly<Record<string, unknown>>;

/** An answer and the checksum of what it served; absent where there are no settings. */
export interface ServedSettings {
  readonly answer: ProtocolAnswer;
  readonly checksum: string | undefined;
}

/** With it, and `no-store`, Claude Desktop takes a 404 for "nothing for this person" and starts without a warning. */
const GATEWAY_FIELD = ['x-cc-gateway-version', '1'];

/**
 * `GET /managed/settings`. 404 means that no policy has settings for the caller; 304 is given only to `If-None-Match` with the current checksum. Claude
 * Desktop asks with `*` whether there is anything, and takes a 304 for "yes, and it must be read": it gets the document.
 */
export function serveSettings(request: ProtocolRequest, settings: SettingsDocument | undefined): ServedSettings {
  if (settings === undefined) {
    return { answer: answerJson(404, { type: 'error', error: { type: 'not_found_error', message: 'No managed settings apply to this account.' } }, GATEWAY_FIELD), checksum: undefined };
  }
  const checksum = settingsChecksum(settings);
  const etag = `"${checksum}"`;
  const wanted = (headerOf(request, 'if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (wanted.includes(etag)) return { answer: { status: 304, headers: ['etag', etag, 'cache-control', 'no-cache'], body: Buffer.alloc(0) }, checksum };
  const { status, body } = answerJson(200, { uuid: checksum, checksum, settings });
  return { answer: { status, body, headers: ['content-type', 'application/json', 'cache-control', 'no-cache', 'etag', etag] }, checksum };
}
