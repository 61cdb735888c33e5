/** Every query is confined to the job and the instances that are chosen at the top of the dashboard. */
const CHOSEN = 'job=~"$job", instance=~"$instance"';

/** Selects a metric of the chosen processes, with more label matchers where given. */
export function select(metric: string, matchers = ''): string {
  return `${metric}{${matchers === '' ? CHOSEN : `${CHOSEN}, ${matchers}`}}`;
}

/** The per-second rate of a counter, summed over all labels but those of `by`. */
export function rate(metric: string, { by = '', matchers = '' }: { readonly by?: string; readonly matchers?: string } = {}): string {
  return `sum${by === '' ? '' : ` by (${by})`} (rate(${select(metric, matchers)}[$__rate_interval]))`;
}

const COST = 'penstock_cost_dollars_total';
const CORRECTIONS = 'penstock_cost_corrections_dollars_total';

/**
 * What requests cost: the counter, plus what the results of message batches cost, minus what these were estimated to cost before.
 * @param over the function and the window of a counter: `['rate', '$__rate_interval']`
 */
export function cost([apply, window]: readonly [apply: 'rate' | 'increase', window: string], { by, matchers }: { readonly by: string; readonly matchers: string }): string {
  const over = (metric: string, kind = ''): string => `${apply}(${select(metric, kind === '' ? matchers : `${matchers}, kind="${kind}"`)}[${window}])`;
  return `sum by (${by}) (${over(COST)} or ${over(CORRECTIONS, 'result')} or -${over(CORRECTIONS, 'estimate')})`;
}

/** The part of one rate in another; without any traffic there is no part, rather than a division by zero. */
export function share(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** A quantile of a histogram, `by` other labels than its buckets. */
export function quantile(fraction: number, metric: string, { by = '', matchers = '' }: { readonly by?: string; readonly matchers?: string } = {}): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${fraction}, sum by (${labels}) (rate(${select(`${metric}_bucket`, matchers)}[$__rate_interval])))`;
}

/** The three quantiles that a latency panel shows; `legend` is put before each. */
export function quantiles(metric: string, matchers = ''): { readonly expression: string; readonly legend: string }[] {
  return [0.5, 0.95, 0.99].map((fraction) => ({ expression: quantile(fraction, metric, { matchers }), legend: `p${Math.round(fraction * 100)}` }));
}
