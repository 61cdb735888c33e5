import { z } from 'zod';
import { BUDGET_PERIODS, MOST_CENTS } from '../../config/sections/budgets-section.ts';
import { userIdOf, type NamedIssuers } from '../identity/principal-id.ts';
import type { SpendLimitChange } from './spend-limit.ts';

const LONGEST_NAME = 1_024;
const STORABLE = 'a string without NUL and lone surrogates, which stores refuse';
const AMOUNT = `a string of whole cents from "0" to "${MOST_CENTS}", or null for no limit`;

const amount = z.union([z.null(), z.string(AMOUNT).regex(/^\d{1,24}$/, AMOUNT).transform(Number).refine((cents) => cents <= MOST_CENTS, { error: AMOUNT })], AMOUNT).transform((cents) => cents ?? undefined);
const name = (field: string): z.ZodString => z.string(`${field}: a string`).min(1, `${field}: a string that is not empty`).max(LONGEST_NAME, `${field}: at most ${LONGEST_NAME} characters`)
  .refine(isStorable, `${field}: ${STORABLE}`);

const scope = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), user_id: name('user_id') }),
  z.object({ type: z.literal('rbac_group'), rbac_group_id: name('rbac_group_id') }),
  z.object({ type: z.literal('organization') }),
  z.object({ type: z.literal('client'), client_id: name('client_id') }),
], 'an object whose type is user, rbac_group, organization or client');

const body = z.object({
  scope,
  amount,
  period: z.enum(BUDGET_PERIODS, `one of ${BUDGET_PERIODS.join(', ')}`).default('monthly'),
  currency: z.literal('USD', 'USD').default('USD'),
  pooled_budget: z.object({ amount, paused: z.boolean('true or false').default(false) }, 'an object').nullish(),
  reason: z.string('a string').max(LONGEST_NAME, `at most ${LONGEST_NAME} characters`).refine(isStorable, STORABLE).optional(),
}, 'a JSON object').refine((read) => read.pooled_budget === undefined || read.pooled_budget === null || (read.scope.type === 'rbac_group' && read.period === 'monthly'), {
  path: ['pooled_budget'], error: 'absent but for a monthly limit of an rbac_group',
});

/** What a body asks for, or what is wrong with it, naming the field. */
export type ReadChange = { readonly ok: true; readonly change: SpendLimitChange; readonly reason: string | undefined } | { readonly ok: false; readonly message: string };

/** Reads the body of `POST /v1/organizations/spend_limits`. Keys that are not known are ignored, as the API does. */
export function readChange(text: string, identity: NamedIssuers): ReadChange {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ok: false, message: 'The request body must be a JSON object.' };
  }
  const parsed = body.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, message: `${issue?.path.length ? issue.path.join('.') : 'The request body'} must be ${issue?.message ?? 'valid'}` };
  }
  const { scope: asked, amount: cents, period, pooled_budget: pooled, reason } = parsed.data;
  return { ok: true, reason, change: { ...readScope(asked, identity), period, cents, pooled: pooled === undefined || pooled === null ? undefined : { cents: pooled.amount, paused: pooled.paused } } };
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function readScope(asked: z.infer<typeof scope>, identity: NamedIssuers): Pick<SpendLimitChange, 'scopeType' | 'scopeId'> {
  switch (asked.type) {
    case 'user': return { scopeType: 'user', scopeId: userIdOf(asked.user_id, identity) };
    case 'rbac_group': return { scopeType: 'rbac_group', scopeId: asked.rbac_group_id };
    case 'client': return { scopeType: 'client', scopeId: asked.client_id };
    default: return { scopeType: 'organization', scopeId: '' };
  }
}
