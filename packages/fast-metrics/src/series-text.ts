function escapeValue(value: string): string {
  return value.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`).replaceAll('"', String.raw`\"`);
}

/** A name and its labels as they stand in an exposition (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function seriesText(name: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escapeValue(value)}"`);
  if (parts.length === 0) return name;
  return `${name}{${parts.join(',')}}`;
}
