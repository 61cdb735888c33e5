/** What this package does faster through private parts of undici and Node; `plain` turns all of it off. */
export const SHORTCUTS = ['bypass_read_buffer', 'raw_head', 'short_head', 'direct_chunks'] as const;
/** One of `SHORTCUTS`. */
export type Shortcut = (typeof SHORTCUTS)[number];

const disabled = new Set<Shortcut>();

/**
 * Turns a shortcut off for this process, because the part that it relies on is not as it expects, and emits one process warning with the code
 * `PENSTOCK_SHORTCUT_DISABLED`. The plain code path takes over.
 */
export function disableShortcut(shortcut: Shortcut, reason: string): void {
  if (disabled.has(shortcut)) return;
  disabled.add(shortcut);
  process.emitWarning(`@penstock/upstream-client: shortcut ${shortcut} is off: ${reason}`, { type: 'PenstockWarning', code: 'PENSTOCK_SHORTCUT_DISABLED' });
}

/** Whether `disableShortcut` was called for it. */
export function isDisabled(shortcut: Shortcut): boolean {
  return disabled.has(shortcut);
}
