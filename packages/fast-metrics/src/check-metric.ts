import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import type { Registry } from 'prom-client';
import { FastMetricsError } from './fast-metrics-error.ts';

/** Checks what a metric is made from, before prom-client does: its errors have no code. Throws a `FastMetricsError`. */
export function checkMetric<Options extends { readonly name: string }>(registry: Registry, options: Options, types: Readonly<Record<keyof Options, OptionType>>): void {
  const unknown = describeUnknownOption(options, types);
  if (unknown !== undefined) throw new FastMetricsError('unknown_option', unknown);
  const wrong = describeWrongOption({ registry }, { registry: 'object' }) ?? describeWrongOption(options, types);
  if (wrong !== undefined) throw new FastMetricsError('invalid_option', wrong);
  if (registry.getSingleMetric(options.name) === undefined) return;
  throw new FastMetricsError('already_registered', `the registry has a metric named ${options.name} already: create it once, and keep what it returned`);
}

/** Makes a metric of prom-client. What it refuses (a name, a label, a bucket) is an `invalid_option`. */
export function makeMetric<Metric>(make: () => Metric): Metric {
  try {
    return make();
  } catch (error) {
    throw new FastMetricsError('invalid_option', error instanceof Error ? error.message : String(error));
  }
}
