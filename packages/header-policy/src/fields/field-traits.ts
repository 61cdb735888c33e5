import type { DroppedHeader, DropReason } from '../messages/dropped-header.ts';
import type { CompiledHeaderRules } from '../rules/compile-header-rules.ts';
import { HOP_BY_HOP_FIELDS } from './hop-by-hop-fields.ts';
import { protectedReason, type Direction } from './protected-fields.ts';

/** All that the policy knows about one field name, worked out once a spelling. */
export interface FieldTraits {
  /** Lowercase. */
  readonly name: string;
  /** What to report when the field does not cross; `undefined` when it does. */
  readonly dropped: DroppedHeader | undefined;
  /** Dropped by a guarantee and not by a rule, so no nomination changes the reason. */
  readonly isProtected: boolean;
  readonly isCredential: boolean;
  /** Among the credentials that `forwardCredentials` lets through. */
  readonly isForwardableCredential: boolean;
  readonly isConnection: boolean;
  /** Needed to read the body, so it outlives the cap on response fields. */
  readonly isContent: boolean;
  /** A list to which each hop adds its own element, so setting it does not replace it. */
  readonly isAppended: boolean;
  /** May be given in `set` and `defaults`. */
  readonly isAddable: boolean;
  /** Its place among the singletons, -1 when it may repeat. */
  readonly singleton: number;
}

const CONTENT_FIELDS: ReadonlySet<string> = new Set(['content-encoding', 'content-length', 'content-range', 'content-type']);

/** Works out the traits of one lowercase name. */
export function traitsOf(name: string, direction: Direction, rules: CompiledHeaderRules): FieldTraits {
  // In a response too: an upstream that echoes our key must not tell it to our client.
  const isForwardableCredential = rules.credentials.has(name);
  const reason = isForwardableCredential ? 'credential' : protectedReason(name, direction, rules.internal);
  const verdict = reason ?? ruleReason(name, direction, rules);
  return {
    name,
    dropped: verdict === undefined ? undefined : Object.freeze({ name, reason: verdict }),
    isProtected: reason !== undefined,
    isCredential: reason === 'credential',
    isForwardableCredential,
    isConnection: name === 'connection',
    isContent: CONTENT_FIELDS.has(name),
    isAppended: name === 'via',
    isAddable: isAddable(name, direction, reason),
    singleton: rules.singletons.get(name) ?? -1,
  };
}

function ruleReason(name: string, direction: Direction, rules: CompiledHeaderRules): DropReason | undefined {
  if (direction === 'response') return rules.denyResponse.matches(name) ? 'denied' : undefined;
  if (rules.denyRequest.matches(name)) return 'denied';
  return rules.allowRequest.matches(name) ? undefined : 'not_allowed';
}

/** `host` would override the TLS server name, `expect` makes undici throw and node:http write UTF-8; `Connection: close` is how a server says it will hang up. */
function isAddable(name: string, direction: Direction, reason: DropReason | undefined): boolean {
  if (name === 'expect') return false;
  if (direction === 'response') return name === 'connection' || !HOP_BY_HOP_FIELDS.has(name);
  return reason !== 'internal' && name !== 'host' && !HOP_BY_HOP_FIELDS.has(name);
}
