import { html, type Html } from './html.ts';

const BAR_WIDTH = 200;
const BAR_HEIGHT = 10;
const LINE_WIDTH = 180;
const LINE_HEIGHT = 36;

/** One part of a bar: how much of the whole, and the class that colours it. */
export interface BarPart {
  readonly value: number;
  readonly kind: string;
  readonly title: string;
}

/** Draws parts of a whole side by side. The text beside a bar has its numbers, so that the drawing is hidden from screen readers. */
export function drawBar(parts: readonly BarPart[], whole: number): Html {
  const scale = whole > 0 ? BAR_WIDTH / Math.max(whole, parts.reduce((sum, { value }) => sum + value, 0)) : 0;
  let left = 0;
  const drawn = parts.map(({ value, kind, title }) => {
    const at = left;
    left += value * scale;
    return html`<rect class="${kind}" x="${at.toFixed(1)}" y="0" width="${(value * scale).toFixed(1)}" height="${BAR_HEIGHT}"><title>${title}</title></rect>`;
  });
  return html`<svg class="bar" viewBox="0 0 ${BAR_WIDTH} ${BAR_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" x="0" y="0" width="${BAR_WIDTH}" height="${BAR_HEIGHT}"/>${drawn}</svg>`;
}

/** Draws numbers over time, the highest at the top. */
export function drawSparkline(values: readonly number[], kind: string): Html {
  const most = Math.max(1, ...values);
  const step = LINE_WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(LINE_HEIGHT - 1 - (value / most) * (LINE_HEIGHT - 2)).toFixed(1)}`).join(' ');
  return html`<svg class="sparkline ${kind}" viewBox="0 0 ${LINE_WIDTH} ${LINE_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><polygon points="0,${LINE_HEIGHT} ${points} ${LINE_WIDTH},${LINE_HEIGHT}"/><polyline points="${points}"/></svg>`;
}
