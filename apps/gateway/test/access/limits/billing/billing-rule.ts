import { boundOf } from './billing-plan.ts';
import { tokensIn } from './billing-upstream.ts';
import type { Mix, Mixes } from './run-mixes.ts';

/** What a request was charged; nothing where it reserved nothing. */
function chargedOf({ charges }: Mix): { readonly input: number; readonly output: number } {
  const [charge] = charges;
  return { input: charge?.input_tokens_per_minute ?? 0, output: charge?.output_tokens_per_minute ?? 0 };
}

/** How one request broke the rule; `undefined` when it holds. */
function breachOf(mix: Mix): string | undefined {
  const { plan, bill, received, charges } = mix;
  const charged = chargedOf(mix);
  const seen = tokensIn(plan, received.textBytes);
  if (charges.length > 1) return 'it was settled more than once';
  const isClosed = plan.isBatch && plan.way !== 'translated';
  const hasLeftBeforeHead = received.status === 0;
  if (isClosed) return (received.status === 403 || hasLeftBeforeHead) && charges.length === 0 && bill.input + bill.output === 0 ? undefined : 'a batch was let through';
  // Who leaves before the head does not know that it would have been an error, nor does the gateway.
  if (plan.status !== 200 && !hasLeftBeforeHead) return charged.input + charged.output === 0 ? undefined : 'an error was charged';
  if (charged.output < seen) return 'the client has text that it was not charged for';
  if (seen > 0 && charged.input < bill.input) return 'its input was not charged';
  if (charged.output > boundOf(plan) * plan.choices) return 'it was charged more than its bound';
  const isReported = plan.reportsUsage && plan.coding !== 'unknown' && plan.cutAt > plan.pieces;
  if (received.isWhole && isReported && (charged.input !== bill.input || charged.output !== bill.output)) return 'it was not charged what the upstream reported';
  // An estimate of a stream is of what passed, which the upstream billed. Each piece of a token is rounded up once.
  if (plan.isStream && plan.status === 200 && plan.coding !== 'unknown' && charged.output > bill.output + 1) return 'it was charged more than the upstream billed';
  return undefined;
}

/** Everything that is wrong with what was charged: of each request, and of all together. */
export function breachesOf({ mixes, heldLeases, heldReservations }: Mixes): readonly string[] {
  const breaches = mixes.flatMap((mix) => {
    const breach = breachOf(mix);
    return breach === undefined ? [] : [`${breach}: ${JSON.stringify(mix)}`];
  });
  const sum = (read: (mix: Mix) => number): number => mixes.reduce((total, mix) => total + read(mix), 0);
  const billed = sum(({ bill }) => bill.output);
  const inFlight = sum((mix) => Math.max(0, mix.bill.output - tokensIn(mix.plan, mix.received.textBytes)));
  const charged = sum((mix) => chargedOf(mix).output);
  if (billed - charged > inFlight) breaches.push(`charged ${charged} of ${billed} with ${inFlight} in flight`);
  if (heldLeases + heldReservations > 0) breaches.push(`${heldLeases} leases and ${heldReservations} reservations were never given back`);
  return breaches;
}
