import { STAMP_BYTES } from '../wire/stamp.ts';
import { STAMP_OFFSET, STREAM_END, STREAM_EVENT, STREAM_HEAD, STREAM_START } from '../wire/upstream-answers.ts';

/** A stream that is written at once; its stamps are equal, so that the bytes of its body are known beforehand. */
export function wholeStream(events: number): Buffer {
  const event = Buffer.from(STREAM_EVENT);
  event.fill('0', STAMP_OFFSET, STAMP_OFFSET + STAMP_BYTES);
  return Buffer.concat([STREAM_HEAD.next(), STREAM_START, ...Array.from({ length: events }, () => event), STREAM_END]);
}
