import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TRANSLATED } from '../../src/chat/field-rules.ts';
import { FrontDoorError, translateRequest } from '../../src/index.ts';
import { chatRequest } from '../support/request-generator.ts';
import { settings } from '../support/translate.ts';

/** The names that the translation of a request asks for and does not find: those it finds are also listed by the field rules. */
function askedInVain(request: Record<string, unknown>): ReadonlySet<string> {
  const asked = new Set<string>();
  const watched = new Proxy(request, {
    getOwnPropertyDescriptor(target, name) {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) asked.add(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  });
  try {
    translateRequest(watched, settings());
  } catch (error) {
    if (!(error instanceof FrontDoorError)) throw error;
  }
  return asked;
}

test('field rules: the translated fields are those that the translators read (a field without a translator would be dropped in silence)', () => {
  const asked = new Set<string>();
  for (const request of [{}, { messages: [] }, ...fc.sample(chatRequest, { seed: 1, numRuns: 300 })]) for (const name of askedInVain(request)) asked.add(name);
  // The model was read before, to find the route; the input is that of a body of the Responses API, which is refused.
  asked.delete('input');
  expect([...asked, 'model'].toSorted()).toEqual(Object.keys(TRANSLATED).toSorted());
});
