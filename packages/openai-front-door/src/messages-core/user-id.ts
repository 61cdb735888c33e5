import { invalidType, member, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

const LOOKS_LIKE_EMAIL = /@/;
const LOOKS_LIKE_PHONE = /^\+?[\d\s().-]{7,}$/;
const LONGEST_USER_ID = 256;

/** `metadata.user_id` from `safety_identifier` or `user`; what looks like an e-mail address or a phone number stays here, and is reported. */
export function translateUser(request: JsonObject, scope: TranslationScope): string | undefined {
  let userId: string | undefined;
  for (const name of ['safety_identifier', 'user']) {
    const value = member(request, name);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw invalidType(name, 'a string', value);
    const isPersonal = LOOKS_LIKE_EMAIL.test(value) || LOOKS_LIKE_PHONE.test(value);
    if (userId !== undefined || isPersonal || value === '' || value.length > LONGEST_USER_ID) scope.ignore(name);
    else userId = value;
  }
  return userId;
}
