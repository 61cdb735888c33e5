import { CHUNK_CASES } from './chunk-cases.ts';
import { CONNECTION_CASES } from './connection-cases.ts';
import { FRAMING_CASES } from './framing-cases.ts';
import { HEAD_CASES } from './head-cases.ts';
import { PATH_CASES } from './path-cases.ts';
import type { RequestCase } from './request-case.ts';

/** A case with the four digits that mark it. */
export interface MarkedCase extends RequestCase {
  readonly id: string;
}

/** Every raw request of the corpus, marked. All were written for this project. */
export const REQUEST_CORPUS: readonly MarkedCase[] = [...FRAMING_CASES, ...CHUNK_CASES, ...HEAD_CASES, ...PATH_CASES, ...CONNECTION_CASES].map((one, index) => {
  const id = String(index + 1000);
  const mark = (text: string): string => text.replaceAll('{id}', id);
  return { ...one, id, bytes: mark(one.bytes), ...(one.outboundBody === undefined ? {} : { outboundBody: mark(one.outboundBody) }) };
});
