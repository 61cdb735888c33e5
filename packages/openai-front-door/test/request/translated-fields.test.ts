import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TRANSLATED } from '../../src/chat/field-rules.ts';
import { FrontDoorError, translateRequest } from '../../src/index.ts';
import { TRANSLATED as TRANSLATED_RESPONSE } from '../../src/responses/field-rules.ts';
import { translateResponseRequest } from '../../src/responses/translate-response-request.ts';
import { chatRequest } from '../support/request-generator.ts';
import { responseRequest } from '../support/response-request-generator.ts';
import { settings } from '../support/translate.ts';

/** The names that the translation of a request asks for and does not find: those it finds are also listed by the field rules. */
function askedInVain(translate: typeof translateRequest | typeof translateResponseRequest, request: Record<string, unknown>): ReadonlySet<string> {
  const asked = new Set<string>();
  const watched = new Proxy(request, {
    getOwnPropertyDescriptor(target, name) {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) asked.add(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  });
  try {
    translate(watched, settings());
  } catch (error) {
    if (!(error instanceof FrontDoorError)) throw error;
  }
  return asked;
}

test.each([
  // The input is that of a body of the Responses API, which is refused.
  { protocol: 'Chat Completions', translate: translateRequest, requests: [{}, { messages: [] }, ...fc.sample(chatRequest, { seed: 1, numRuns: 300 })], others: ['input'], translated: TRANSLATED },
  // One is refused or asks for nothing; the other is that of a body of Chat Completions, which is refused.
  { protocol: 'Responses', translate: translateResponseRequest, requests: [{}, { input: 'x' }, ...fc.sample(responseRequest, { seed: 1, numRuns: 300 })], others: ['truncation', 'messages'], translated: TRANSLATED_RESPONSE },
])('field rules of $protocol: the translated fields are those that the translators read (a field without a translator would be dropped in silence)', ({ translate, requests, others, translated }) => {
  const asked = new Set<string>();
  for (const request of requests) for (const name of askedInVain(translate, request)) asked.add(name);
  for (const name of others) asked.delete(name);
  // The model was read before, to find the route.
  expect([...asked, 'model'].toSorted()).toEqual(Object.keys(translated).toSorted());
});
