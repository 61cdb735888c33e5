import { createFieldClassifier, type ClassifiedField, type FieldClassifier } from '../fields/field-classifier.ts';
import { isFieldValue, type RawHeaders } from '../fields/field-syntax.ts';
import { traitsOf, type FieldTraits } from '../fields/field-traits.ts';
import { collectNominations, nominatesNothing } from '../fields/nominated-fields.ts';
import { HeaderPolicyError } from '../header-policy-error.ts';
import type { CompiledHeaderRules } from '../rules/compile-header-rules.ts';
import type { DroppedHeader } from './dropped-header.ts';
import { addFields, createAdditionsPreparer, includesName, type HeaderAdditions, type PreparedAdditions } from './header-additions.ts';
import { violationOf, type HeaderViolation } from './header-violation.ts';

/** What the gateway adds to a request, and whether the client's own credential crosses. */
export interface RequestHeaderAdditions extends HeaderAdditions {
  /** Lets the client's own credentials cross under the names they came with; cannot be combined with a credential in `set`. @defaultValue false */
  readonly forwardCredentials?: boolean | undefined;
}

/** The outbound request's fields, or why the inbound request is refused. */
export type ForwardedRequestHeaders =
  | { readonly ok: true; readonly headers: string[]; readonly dropped: readonly DroppedHeader[] }
  | { readonly ok: false; readonly violation: HeaderViolation };

/** Decides what an inbound request's fields become; see {@link HeaderPolicy.forwardRequestHeaders}. */
export type ForwardRequestHeaders = (rawHeaders: RawHeaders, additions?: RequestHeaderAdditions) => ForwardedRequestHeaders;

const NOTHING_NOMINATED: ReadonlySet<string> = new Set();

/** Makes the request half of a policy. */
export function createRequestForwarder(rules: CompiledHeaderRules): ForwardRequestHeaders {
  const classify = createFieldClassifier((name) => traitsOf(name, 'request', rules));
  const prepare = createAdditionsPreparer(classify);
  const inspect = createRequestInspector(rules, classify);
  // Overwritten by each call from its start; kept at its largest so that the hot path allocates nothing for it.
  // The calls are synchronous and never nest.
  const fields: ClassifiedField[] = [];

  return function forwardRequestHeaders(rawHeaders, additions) {
    const prepared = prepare(additions);
    const forwardCredentials = additions?.forwardCredentials === true;
    if (forwardCredentials) refuseTwoCredentials(prepared);

    // The order is a security property: refuse the ambiguous, remove what the client nominated, apply the rules, add ours last.
    const inspected = inspect(rawHeaders, fields);
    if ('code' in inspected) return { ok: false, violation: inspected };

    const headers: string[] = [];
    const dropped: DroppedHeader[] = [];
    for (let position = 0; position < rawHeaders.length; position += 2) {
      const field = fields[position / 2];
      if (field === undefined) continue;
      const drop = reasonToDrop(field, inspected, prepared, forwardCredentials);
      if (drop === undefined) headers.push(field.spelling, rawHeaders[position + 1] ?? '');
      else dropped.push(drop);
    }
    addFields(headers, prepared, classify);
    return { ok: true, headers, dropped };
  };
}

/** Reads a whole field section into `fields`: what the client nominated, or what makes the request ambiguous. */
type RequestInspector = (rawHeaders: RawHeaders, fields: ClassifiedField[]) => ReadonlySet<string> | HeaderViolation;

function createRequestInspector(rules: CompiledHeaderRules, classify: FieldClassifier): RequestInspector {
  // For each singleton the number of the call that saw it last: telling repeats apart needs no set a call.
  const seenInCall = Array.from(rules.singletons, () => 0);
  let call = 0;

  return (rawHeaders, fields) => {
    call += 1;
    let nominated: Set<string> | undefined;
    if (rawHeaders.length > rules.maxRequestFields * 2) {
      return violationOf('too_many_fields', '', () => `The request has more than ${rules.maxRequestFields} header fields.`);
    }
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index];
      const value = rawHeaders[index + 1];
      const field = classify(name, fields[index / 2]);
      if (field === undefined || !isFieldValue(value)) return invalidField(name);
      if (field.singleton !== -1) {
        if (seenInCall[field.singleton] === call) {
          return violationOf('duplicate_singleton', name, (printable) => `The header field ${printable} must be sent only once.`);
        }
        seenInCall[field.singleton] = call;
      }
      if (field.isConnection && !nominatesNothing(value)) {
        nominated ??= new Set();
        if (!collectNominations(value, nominated)) return invalidField(name);
      }
      fields[index / 2] = field;
    }
    if (nominated === undefined) return NOTHING_NOMINATED;
    return refusedNomination(nominated, rules) ?? nominated;
  };
}

/** A client that has the next hop ignore a field which we or the upstream act on makes two readers see two requests: 400. */
function refusedNomination(nominated: ReadonlySet<string>, rules: CompiledHeaderRules): HeaderViolation | undefined {
  for (const name of nominated) {
    if (rules.reliedOn.matches(name) || rules.credentials.has(name)) {
      return violationOf('nominated_field', name, (printable) => `The Connection header field must not name ${printable}.`);
    }
  }
  return undefined;
}

function reasonToDrop(
  field: FieldTraits, nominated: ReadonlySet<string>, additions: PreparedAdditions, forwardCredentials: boolean,
): DroppedHeader | undefined {
  if (field.isProtected) return forwardCredentials && field.isForwardableCredential ? undefined : field.dropped;
  if (nominated.size !== 0 && nominated.has(field.name)) return { name: field.name, reason: 'nominated' };
  if (field.dropped !== undefined) return field.dropped;
  return !field.isAppended && includesName(additions.setTraits, field.name) ? { name: field.name, reason: 'replaced' } : undefined;
}

function refuseTwoCredentials(additions: PreparedAdditions): void {
  const credential = additions.setTraits.find((field) => field.isCredential);
  if (credential === undefined) return;
  throw new HeaderPolicyError('invalid_additions', `set must hold no credential beside forwardCredentials, received ${credential.name}`);
}

function invalidField(name: unknown): HeaderViolation {
  return violationOf('invalid_field', name, (printable) => `The header field ${printable} is malformed.`);
}
