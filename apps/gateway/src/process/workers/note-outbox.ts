import type { GroupNote } from '@penstock/upstream-group';

/** Notes that may wait for a process that does not read; the oldest are dropped. Each costs no more than a later failover or move. */
export const MAX_WAITING_NOTES = 10_000;

/** Sends notes to one process; `done` is called when they were written, or cannot be. */
export type SendNotes = (notes: readonly GroupNote[], done: () => void) => void;

/**
 * Notes on their way to one process: those of one turn go together, and of each thing the last one. The next ones are sent when the system has the ones
 * before, so that a process that stands still holds a bounded number. Nothing waits for it.
 */
export class NoteOutbox {
  readonly #send: SendNotes;
  readonly #waiting = new Map<string, GroupNote>();
  #isBusy = false;

  constructor(send: SendNotes) {
    this.#send = send;
  }

  add(notes: readonly GroupNote[]): void {
    for (const note of notes) {
      const about = aboutOf(note);
      // Anew at the end: the last one holds, whatever came between.
      this.#waiting.delete(about);
      this.#waiting.set(about, note);
    }
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= MAX_WAITING_NOTES) break;
      this.#waiting.delete(oldest);
    }
    if (this.#isBusy || this.#waiting.size === 0) return;
    this.#isBusy = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const notes = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#send(notes, this.#done);
  };

  readonly #done = (): void => {
    if (this.#waiting.size > 0) setImmediate(this.#flush);
    else this.#isBusy = false;
  };
}

/** What a note is about; that something is ill and that it is well are one thing. */
function aboutOf(note: GroupNote): string {
  if (note.kind === 'moved') return `moved ${note.key}`;
  const what = note.kind === 'ill' || note.kind === 'well' ? 'health' : note.kind;
  return `${what} ${note.member} ${note.scope ?? ''}`;
}
