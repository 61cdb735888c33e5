import { CELLS, whyImpossible, type CellName } from './fault-cells.ts';

/** Phases in which a request can be held, so that something can fall into them. */
export const HELD_PHASES = ['admit', 'receive', 'acquire', 'send', 'relay'] as const;

/** One of `HELD_PHASES`. */
export type HeldPhase = (typeof HELD_PHASES)[number];

/** The cells that need a process of their own: they are about its files, its signals and its descriptors. */
export const PROCESS_CELLS: readonly CellName[] = CELLS.filter((cell) =>
  whyImpossible(cell) === undefined && (/^(?:config|signals)\//.test(cell) || /^host\/.*\/(?:enospc|emfile)$/.test(cell)));
