import type { GroupNote } from '@penstock/upstream-group';
import { expect, test } from 'vitest';
import { MAX_WAITING_NOTES, NoteOutbox } from '../../src/process/workers/note-outbox.ts';

const moved = (key: string, to = 'b'): GroupNote => ({ kind: 'moved', key, owner: 'o', to });
const probed = (member: string): GroupNote => ({ kind: 'probed', member, scope: undefined });
const nextTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** An outbox to a process that reads when the test lets it. */
function startOutbox(): { readonly outbox: NoteOutbox; readonly sent: (readonly GroupNote[])[]; readonly read: () => void } {
  const sent: (readonly GroupNote[])[] = [];
  const unread: (() => void)[] = [];
  const outbox = new NoteOutbox((notes, done) => {
    sent.push(notes);
    unread.push(done);
  });
  return { outbox, sent, read: () => { unread.shift()?.(); } };
}

test('notes of one turn go together, and of each thing the last one', async () => {
  const { outbox, sent } = startOutbox();
  const ill: GroupNote = { kind: 'ill', member: 'a', scope: undefined, reason: 'reset', failures: 1, coolsForMs: 1, failedAgoMs: 0, beganAgoMs: 0, illForMs: 0 };
  const well: GroupNote = { kind: 'well', member: 'a', scope: undefined, beganAgoMs: 0 };
  for (const note of [moved('k'), ill, moved('l'), probed('a'), well, moved('k', 'c')]) outbox.add([note]);
  expect(sent).toEqual([]);
  await nextTurn();
  expect(sent).toEqual([[moved('l'), probed('a'), well, moved('k', 'c')]]);
});

test('a process that does not read is sent nothing more, and a bounded number of notes waits for it, the newest', async () => {
  const { outbox, sent, read } = startOutbox();
  outbox.add([moved('first')]);
  await nextTurn();
  for (let index = 0; index < MAX_WAITING_NOTES + 10; index += 1) outbox.add([moved(`k${index}`)]);
  await nextTurn();
  expect(sent.map(({ length }) => length)).toEqual([1]);
  read();
  await nextTurn();
  expect(sent.map(({ length }) => length)).toEqual([1, MAX_WAITING_NOTES]);
  expect(sent[1]?.[0]).toEqual(moved('k10'));
  read();
  await nextTurn();
  outbox.add([moved('last')]);
  await nextTurn();
  expect(sent[2]).toEqual([moved('last')]);
});
