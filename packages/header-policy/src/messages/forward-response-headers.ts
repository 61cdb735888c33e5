import { createFieldClassifier, type ClassifiedField } from '../fields/field-classifier.ts';
import { isFieldValue, printableName, type RawHeaders } from '../fields/field-syntax.ts';
import { traitsOf, type FieldTraits } from '../fields/field-traits.ts';
import { collectNominations, nominatesNothing } from '../fields/nominated-fields.ts';
import type { CompiledHeaderRules } from '../rules/compile-header-rules.ts';
import type { DroppedHeader } from './dropped-header.ts';
import { addFields, createAdditionsPreparer, includesName, type HeaderAdditions, type PreparedAdditions } from './header-additions.ts';

/** The client response's fields and what did not cross. */
export interface ForwardedResponseHeaders {
  readonly headers: string[];
  readonly dropped: readonly DroppedHeader[];
}

/** Decides what an upstream response's fields become; see {@link HeaderPolicy.forwardResponseHeaders}. */
export type ForwardResponseHeaders = (rawHeaders: RawHeaders, additions?: HeaderAdditions) => ForwardedResponseHeaders;

// Places for the fields that the body cannot be read without, beyond a response's cap.
const CONTENT_FIELD_PLACES = 16;
const NOTHING_NOMINATED: ReadonlySet<string> = new Set();

/** What one pass over an upstream's field section found. */
interface ResponseSection {
  readonly nominated: ReadonlySet<string>;
  /** The one length to tell the client, if there is one that every reader understands alike. */
  readonly contentLength: string | undefined;
}

/** Makes the response half of a policy. */
export function createResponseForwarder(rules: CompiledHeaderRules): ForwardResponseHeaders {
  const classify = createFieldClassifier((name) => traitsOf(name, 'response', rules));
  const prepare = createAdditionsPreparer(classify);
  // Overwritten by each call from its start, `undefined` for a malformed field; the calls are synchronous and never nest. What an earlier call left
  // is the guess of the next: an upstream sends its fields in one order.
  const fields: Array<ClassifiedField | undefined> = [];

  function inspect(rawHeaders: RawHeaders): ResponseSection {
    let nominated: Set<string> | undefined;
    let contentLength: string | undefined;
    let isAmbiguous = false;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const value = rawHeaders[index + 1];
      const field = isFieldValue(value) ? classify(rawHeaders[index], fields[index / 2]) : undefined;
      fields[index / 2] = field;
      if (field === undefined || value === undefined) continue;
      if (field.isConnection && !nominatesNothing(value)) {
        nominated ??= new Set();
        // A response cannot be refused here; what is well formed is honoured.
        collectNominations(value, nominated);
      } else if (field.name === 'content-length') {
        isAmbiguous ||= !isPlainLength(value) || (contentLength !== undefined && contentLength !== value);
        contentLength = value;
      } else if (field.name === 'transfer-encoding') isAmbiguous = true;
    }
    return { nominated: nominated ?? NOTHING_NOMINATED, contentLength: isAmbiguous ? undefined : contentLength };
  }

  function reasonNotToFit(field: FieldTraits, crossed: number, hasLength: boolean): DroppedHeader | undefined {
    if (hasLength && field.name === 'content-length') return { name: field.name, reason: 'framing' };
    const places = rules.maxResponseFields + (field.isContent ? CONTENT_FIELD_PLACES : 0);
    return crossed < places ? undefined : { name: field.name, reason: 'too_many' };
  }

  return function forwardResponseHeaders(rawHeaders, additions) {
    const prepared = prepare(additions);
    const section = inspect(rawHeaders);
    const headers: string[] = [];
    const dropped: DroppedHeader[] = [];
    let hasLength = section.contentLength === undefined;
    for (let position = 0; position < rawHeaders.length; position += 2) {
      const field = fields[position / 2];
      if (field === undefined) {
        dropped.push(malformed(rawHeaders[position]));
        continue;
      }
      const drop = reasonToDrop(field, section, prepared, rules) ?? reasonNotToFit(field, headers.length / 2, hasLength);
      if (drop !== undefined) {
        dropped.push(drop);
        continue;
      }
      headers.push(field.spelling, rawHeaders[position + 1] ?? '');
      hasLength ||= field.name === 'content-length';
    }
    addFields(headers, prepared, classify);
    return { headers, dropped };
  };
}

function reasonToDrop(
  field: FieldTraits, section: ResponseSection, additions: PreparedAdditions, rules: CompiledHeaderRules,
): DroppedHeader | undefined {
  if (field.isProtected) return field.dropped;
  // An upstream that nominates what the body is read by is mistaken (RFC 9110 §7.6.1), and believing it would corrupt the response.
  if (section.nominated.size !== 0 && section.nominated.has(field.name) && !rules.reliedOn.matches(field.name)) {
    return { name: field.name, reason: 'nominated' };
  }
  if (field.dropped !== undefined) return field.dropped;
  return !field.isAppended && includesName(additions.setTraits, field.name) ? { name: field.name, reason: 'replaced' } : undefined;
}

/** `Content-Length = 1*DIGIT` (RFC 9110 §8.6), of a size that a number holds exactly. */
function isPlainLength(value: string): boolean {
  return /^\d{1,15}$/.test(value);
}

function malformed(name: unknown): DroppedHeader {
  return { name: printableName(name).toLowerCase(), reason: 'invalid' };
}
