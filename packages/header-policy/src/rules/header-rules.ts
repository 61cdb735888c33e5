/**
 * Which fields may cross, as plain data. Patterns are field names in any case, or prefixes ending in `*`; `*` alone is every name.
 * Whatever the rules say, hop-by-hop fields, credentials, cookies, framing, forwarding and internal fields never cross by them.
 */
export interface HeaderRules {
  /** Request fields that may cross; any other is dropped as `not_allowed`. */
  readonly allowRequest: readonly string[];
  /** Request fields that do not cross although allowed, dropped as `denied`. @defaultValue `[]` */
  readonly denyRequest?: readonly string[];
  /** Response fields that do not cross, dropped as `denied`; any other crosses. @defaultValue `[]` */
  readonly denyResponse?: readonly string[];
  /** Names, no prefixes, that carry a credential beside `authorization` and `x-api-key`; `forwardCredentials` lets them through too. @defaultValue `[]` */
  readonly credentials?: readonly string[];
  /** Request names, no prefixes, that may come only once, beside the built-in ones. @defaultValue `[]` */
  readonly singletons?: readonly string[];
  /** Request fields that `Connection` may not nominate, beside the built-in ones. @defaultValue `[]` */
  readonly reliedOn?: readonly string[];
  /** Fields private to the gateway, in both directions, beside `x-penstock-*`. @defaultValue `[]` */
  readonly internal?: readonly string[];
  /** Request fields, dropped ones included, above which a request is refused; bounds the work of one request. @defaultValue 100 */
  readonly maxRequestFields?: number;
  /** Response fields that cross at most; those without which the body cannot be read (`content-type`, `-length`, `-encoding`, `-range`) have 16 places more. @defaultValue 256 */
  readonly maxResponseFields?: number;
}

/** The limits of rules that name none. */
export const DEFAULT_HEADER_LIMITS: { readonly maxRequestFields: number; readonly maxResponseFields: number } = Object.freeze({
  maxRequestFields: 100,
  maxResponseFields: 256,
});
