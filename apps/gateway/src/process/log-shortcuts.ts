import { HAS_MACHINE } from '@penstock/json-envelope';
import type { ProcessLogger } from '../observe/log/create-logger.ts';
import { PLAIN } from '../config/plain.ts';

/** The code of the process warnings with which the packages report that a shortcut is off. */
const SHORTCUT_DISABLED = 'PENSTOCK_SHORTCUT_DISABLED';

/** Logs that all shortcuts are off (`PENSTOCK_PLAIN`), and each one that turns itself off while the process runs. Returns what ends that. */
export function logShortcuts(logger: ProcessLogger['logger'], isPlain: boolean = PLAIN): () => void {
  if (isPlain) logger.info('shortcuts are off (PENSTOCK_PLAIN)');
  if (!HAS_MACHINE) logger.warn({ code: 'shortcut_disabled', detail: 'WebAssembly with vector instructions is missing: JSON is scanned by the plain scanner' }, 'a shortcut is off');
  const onWarning = (warning: Error & { readonly code?: string }): void => {
    if (warning.code === SHORTCUT_DISABLED) logger.warn({ code: 'shortcut_disabled', detail: warning.message }, 'a shortcut is off');
  };
  process.on('warning', onWarning);
  return () => { process.off('warning', onWarning); };
}
