import type { TurnRow } from './run-turns.ts';
import { TARGET_MS } from './turn-group.ts';

const HEAD = ['side', 'from', 'form', 'inputs', 'longest turn, ms CPU', 'ms', 'floor, ms CPU', 'ms', 'aimed at', 'memory × input', 'the input'];

/** The rows as a table of Markdown. */
export function describeTurns(rows: readonly TurnRow[]): string {
  const lines = rows.map(({ side, party, form, inputs, penstock, floor, mostHeld }) => [
    side, party, form, String(inputs), penstock.cpuMs.toFixed(0), penstock.ms.toFixed(0), floor?.cpuMs.toFixed(0) ?? '–', floor?.ms.toFixed(0) ?? '–',
    `${TARGET_MS[side]}${penstock.cpuMs <= TARGET_MS[side] ? '' : ' (not reached)'}`, mostHeld.toFixed(2), penstock.input,
  ]);
  return [HEAD, HEAD.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
