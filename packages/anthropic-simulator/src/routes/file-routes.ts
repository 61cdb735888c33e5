import { bodyTimestamp } from '../clock.ts';
import { apiError, invalidRequest, notFound } from '../http/api-error.ts';
import { jsonAnswer, type Answer, type BodyPart } from '../http/answer.ts';
import { headerOf, type Exchange } from '../http/exchange.ts';
import { readMultipart } from '../http/multipart.ts';
import type { JsonObject } from '../json.ts';
import { apiIdentifier } from '../seeded-random.ts';
import type { Simulation } from '../simulation.ts';
import { answerCursorPage } from './paging.ts';
import type { Route } from './route.ts';

interface StoredFile {
  readonly id: string;
  readonly filename: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly isDownloadable: boolean;
}

/** How many bytes all files together may hold before uploads are refused. */
export const MAX_STORED_BYTES = 1_073_741_824;
const DOWNLOAD_PART_BYTES = 65_536;
const FORBIDDEN_NAME = /[<>:"|?*\\/]|\p{Cc}/u;

/** `/v1/files` and everything below it. */
export function fileRoutes(simulation: Simulation): readonly Route[] {
  const files = new Map<string, StoredFile>();
  const { clock } = simulation.options;
  const withFile = (answer: (exchange: Exchange, file: StoredFile) => Answer) => (exchange: Exchange, id: string): Answer => {
    const file = files.get(id);
    if (file === undefined) return notFound(exchange.requestId, `File not found: ${id}`);
    const hasExpired = file.expiresAt !== undefined && file.expiresAt <= clock.now();
    return hasExpired ? apiError(404, exchange.requestId, { message: `File has expired: ${id}`, errorCode: 'file_expired' }) : answer(exchange, file);
  };
  return [
    { method: 'POST', pattern: '/v1/files', answer: (exchange) => upload(simulation, files, exchange) },
    { method: 'GET', pattern: '/v1/files', answer: (exchange) => list([...files.values()].toReversed(), exchange) },
    { method: 'GET', pattern: '/v1/files/{id}', answer: withFile((_exchange, file) => jsonAnswer(render(file))) },
    { method: 'GET', pattern: '/v1/files/{id}/content', answer: withFile(download) },
    {
      method: 'DELETE', pattern: '/v1/files/{id}', answer: withFile((_exchange, file) => {
        files.delete(file.id);
        return jsonAnswer({ id: file.id, type: 'file_deleted' });
      }),
    },
  ];
}

function upload(simulation: Simulation, files: Map<string, StoredFile>, exchange: Exchange): Answer {
  const parts = readMultipart(exchange.body, headerOf(exchange, 'content-type'));
  if (parts === undefined) return invalidRequest(exchange.requestId, 'The request body is not a valid multipart/form-data body');
  const part = parts.find((candidate) => candidate.name === 'file');
  if (part === undefined) return invalidRequest(exchange.requestId, 'file: Field required');
  const filename = part.filename ?? '';
  if (filename === '' || filename.length > 255 || FORBIDDEN_NAME.test(filename)) {
    return invalidRequest(exchange.requestId, 'Filename must be 1-255 characters and must not contain any of < > : " | ? * \\ / or unicode characters 0-31');
  }
  const stored = [...files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
  if (stored + part.bytes.length > MAX_STORED_BYTES) return apiError(400, exchange.requestId, { message: 'Storage quota exceeded', errorCode: 'storage_quota_exceeded' });
  const lifetime = parts.find((candidate) => candidate.name === 'expires_in_seconds');
  const lifetimeSeconds = lifetime === undefined ? undefined : Number(Buffer.from(lifetime.bytes).toString());
  if (lifetimeSeconds !== undefined && !(lifetimeSeconds > 0)) return invalidRequest(exchange.requestId, 'expires_in_seconds: Input should be greater than 0');
  const createdAt = simulation.options.clock.now();
  const file: StoredFile = {
    id: apiIdentifier('file', simulation.random), filename, mimeType: part.contentType ?? 'application/octet-stream',
    // A copy: the part is a view of the whole request body, which would stay in memory with it.
    bytes: Buffer.from(part.bytes), createdAt,
    expiresAt: lifetimeSeconds === undefined ? undefined : createdAt + lifetimeSeconds * 1_000,
    isDownloadable: !filename.startsWith('not-downloadable'),
  };
  files.set(file.id, file);
  return jsonAnswer(render(file));
}

function list(files: readonly StoredFile[], exchange: Exchange): Answer {
  const ids = [...exchange.query.getAll('ids[]'), ...exchange.query.getAll('ids')];
  if (ids.length > 100) return invalidRequest(exchange.requestId, 'ids: List should have at most 100 items after validation');
  const wanted = ids.length === 0 ? files : files.filter((file) => ids.includes(file.id));
  return answerCursorPage(exchange, wanted.map(render));
}

function download(exchange: Exchange, file: StoredFile): Answer {
  if (!file.isDownloadable) return apiError(400, exchange.requestId, { message: `File ${file.id} is not downloadable`, errorCode: 'file_not_downloadable' });
  return {
    status: 200,
    headers: [['Content-Type', file.mimeType], ['content-disposition', `attachment; filename*=utf-8''${encodeURIComponent(file.filename)}`]],
    body: { [Symbol.iterator]: () => partsOf(file.bytes) },
    headDelayMs: 0, headerFamily: 'plain', isCompressible: false,
  };
}

function* partsOf(bytes: Uint8Array): Generator<BodyPart> {
  for (let offset = 0; offset < bytes.length; offset += DOWNLOAD_PART_BYTES) {
    yield { bytes: bytes.subarray(offset, offset + DOWNLOAD_PART_BYTES), delayMs: 0 };
  }
}

function render(file: StoredFile): JsonObject {
  return {
    type: 'file', id: file.id, filename: file.filename, mime_type: file.mimeType, size_bytes: file.bytes.length,
    created_at: bodyTimestamp(file.createdAt), downloadable: file.isDownloadable,
    expires_at: file.expiresAt === undefined ? null : bodyTimestamp(file.expiresAt),
  };
}
