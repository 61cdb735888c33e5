function scaled(value: number, base: number, units: readonly string[]): string {
  let index = 0;
  let rest = value;
  while (Math.abs(rest) >= base && index < units.length - 1) {
    rest /= base;
    index += 1;
  }
  return `${Number(rest.toPrecision(3))}${units[index]}`;
}

/** Writes a number as a dashboard does, for the units that the panels have. */
export function formatValue(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'percentunit') return `${Number((value * 100).toPrecision(3))} %`;
  if (unit === 'bytes' || unit === 'Bps') return scaled(value, 1_024, [' B', ' KiB', ' MiB', ' GiB']) + (unit === 'Bps' ? '/s' : '');
  if (unit === 's') return value < 1 ? scaled(value * 1e6, 1_000, [' µs', ' ms', ' s']) : `${Number(value.toPrecision(3))} s`;
  const [, own] = /^si:(.+)$/.exec(unit) ?? [];
  if (own !== undefined) return scaled(value, 1_000, [' ', ' k', ' M', ' G']) + own;
  return scaled(value, 1_000, ['', ' k', ' M', ' G']) + (unit === 'reqps' ? ' req/s' : unit === 'cps' ? '/s' : '');
}
