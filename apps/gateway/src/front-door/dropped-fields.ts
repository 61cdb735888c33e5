import type { DropReason, HeaderPolicy } from '@penstock/header-policy';
import { isTranslatedResponseField } from '@penstock/openai-front-door';

/** A field that did not cross the front door, as its counter needs it. */
export interface DroppedField {
  readonly reason: DropReason;
}

/** Fields that a translated answer has of its own. */
const ANSWERED_ANEW: ReadonlySet<string> = new Set(['content-type', 'content-length', 'content-encoding', 'date']);

function namesOf(rawHeaders: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) names.add(rawHeaders[index]?.toLowerCase() ?? '');
  return names;
}

/** Adds what the policy would let cross and the front door did not send. */
function addUnsent(dropped: { readonly name: string; readonly reason: DropReason }[], rawHeaders: readonly string[], isSent: (name: string) => boolean, reason: DropReason): readonly DroppedField[] {
  const known = new Set(dropped.map(({ name }) => name));
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (!known.has(name) && !isSent(name)) dropped.push({ name, reason });
  }
  return dropped;
}

/** What of a client's header did not go upstream: by the policy's reasons, and `not_allowed` for what the front door does not take over. A field that it writes itself counts as sent. */
export function droppedRequestFields(policy: HeaderPolicy, received: readonly string[], sent: readonly string[]): readonly DroppedField[] {
  const forwarded = policy.forwardRequestHeaders(received);
  const names = namesOf(sent);
  return addUnsent(forwarded.ok ? [...forwarded.dropped] : [], received, (name) => names.has(name), 'not_allowed');
}

/** What of an upstream's header a translated answer does not hand on. */
export function droppedByTranslation(policy: HeaderPolicy, received: readonly string[]): readonly DroppedField[] {
  const { dropped } = policy.forwardResponseHeaders(received);
  return addUnsent([...dropped], received, (name) => isTranslatedResponseField(name) || ANSWERED_ANEW.has(name), 'denied');
}
