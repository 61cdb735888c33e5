import { z } from 'zod';
import { CLIENT_NAME_EXPECTED } from './clients-section.ts';
import { checkedText, count, flag, list, share as fraction, text } from './field-kinds.ts';
import { groupName } from './sign-in-section.ts';

/** The kinds of scope that a budget can have. */
export const BUDGET_SCOPE_KINDS = ['client', 'user', 'group', 'organization'] as const;

/** One of `BUDGET_SCOPE_KINDS`. */
export type BudgetScopeKind = (typeof BUDGET_SCOPE_KINDS)[number];

/** The spans that budgets are counted over, in UTC. */
export const BUDGET_PERIODS = ['daily', 'weekly', 'monthly'] as const;

/** One of `BUDGET_PERIODS`. */
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** `each`: every caller of the scope has the amount for itself. `pooled`: all of them have it together. */
export type BudgetShare = 'each' | 'pooled';

/** Whose budget; exactly one member. `true` stands for all. */
export interface BudgetScopeConfig {
  readonly client?: string | true | undefined;
  readonly user?: string | true | undefined;
  readonly group?: string | undefined;
  readonly organization?: true | undefined;
}

/** What may be spent in a period. */
export interface BudgetConfig {
  readonly scope: BudgetScopeConfig;
  readonly share: BudgetShare;
  readonly period: BudgetPeriod;
  /** Whole US cents. */
  readonly amount_cents: number;
  /** Parts of the amount, ascending. */
  readonly warn_at: readonly number[];
  readonly stop: boolean;
}

/** Cents whose nano-dollars fit into 63 bits. */
export const MOST_CENTS = 922_337_203_685;

const AMOUNT_EXPECTED = `whole US cents from 0 to ${MOST_CENTS}`;
const SCOPE_EXPECTED = 'exactly one of client, user, group and organization';
const ALL_EXPECTED = 'true';
const MOST_THRESHOLDS = 10;
const LONGEST_USER = 1_024;

const allOf = (): z.ZodLiteral<true> => z.literal(true, ALL_EXPECTED);

const scopeSection: z.ZodType<BudgetScopeConfig> = z.strictObject({
  client: z.union([allOf(), text('the name of a client')], `${CLIENT_NAME_EXPECTED}, or true for every client`).optional()
    .describe('The name of a client, or `true` for every client. Callers without a key are the client `anonymous`.'),
  user: z.union([allOf(), checkedText('the text of a principal', (value) => value.length <= LONGEST_USER)], 'the text of a principal, or true for every person').optional()
    .describe('The id of a person (`SUB` or `sign_in:SUB` of those who signed in here, else `ISSUER:SUB`; what begins with no name of an issuer is a `SUB`), or `true` for every person. An e-mail address does not identify.'),
  group: groupName().optional().describe('The name of a group; case counts.'),
  organization: allOf().optional().describe('`true`: all callers.'),
}, 'an object').refine((scope) => Object.values(scope).filter((value) => value !== undefined).length === 1, { error: SCOPE_EXPECTED });

const budgetSection: z.ZodType<BudgetConfig> = z.strictObject({
  scope: scopeSection.describe('Whose budget: exactly one of these.'),
  share: z.enum(['each', 'pooled'], 'each or pooled').describe('`each`: the amount is for every caller of the scope. `pooled`: for all of a group, or of the organization, together.'),
  period: z.enum(BUDGET_PERIODS, `one of ${BUDGET_PERIODS.join(', ')}`).default('monthly').describe('`daily`, `weekly` (from Monday) or `monthly`, in UTC.'),
  amount_cents: count(0, MOST_CENTS).refine(Number.isSafeInteger, { error: AMOUNT_EXPECTED }).describe('US cents that may be spent in a period; 0 blocks.'),
  warn_at: list(fraction()).max(MOST_THRESHOLDS, `a list of at most ${MOST_THRESHOLDS} thresholds`).default([0.75, 0.95]).describe('Parts of the amount from which on clients are warned.'),
  stop: flag().default(true).describe('Whether requests are refused when the amount is spent; `false` only warns.'),
}, 'an object with scope, share and amount_cents');

/** The schema of `budgets`. */
export const budgetsSection: z.ZodType<readonly BudgetConfig[]> = list(budgetSection);
