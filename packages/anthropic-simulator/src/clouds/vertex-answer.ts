import { jsonAnswer, type Answer, type HeaderField } from '../http/answer.ts';
import { errorMessageOf, verbatim, type ShapeContext } from './native-answer.ts';

/** The statuses that Google answers itself, with the name it gives them; all others come from the model in the API's own shape. */
const GOOGLE_STATUSES: Readonly<Record<number, string>> = Object.freeze({
  401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL', 503: 'UNAVAILABLE',
});

const COMMON: readonly HeaderField[] = Object.freeze([
  ['Server', 'scaffolding on HTTPServer2'], ['Cache-Control', 'private'], ['X-XSS-Protection', '0'], ['X-Frame-Options', 'SAMEORIGIN'], ['X-Content-Type-Options', 'nosniff'],
] as const);

/** Makes the answer of Vertex AI: its header fields and its errors. Bodies are the API's own. */
export function shapeVertexAnswer(answer: Answer, { requestId, date }: ShapeContext): Answer {
  if (answer.headerFamily === 'edge' || answer.headerFamily === 'verbatim') return answer;
  const status = GOOGLE_STATUSES[answer.status];
  const shaped = status === undefined ? answer : jsonAnswer({ error: { code: answer.status, message: errorMessageOf(answer), status } }, { status: answer.status, headDelayMs: answer.headDelayMs });
  const type: readonly HeaderField[] = shaped.headers.filter(([name]) => name === 'Content-Type');
  const hints = answer.headers.filter(([name]) => name === 'retry-after');
  return verbatim(shaped, [...type, ['request-id', requestId.replace(/^req_/, 'req_vrtx_')], ['Date', date], ...hints, ...COMMON]);
}
