/** One server-sent event as a strict reader dispatches it. */
export interface ReadEvent {
  readonly event: string;
  readonly data: string;
}

/** What a strict reader makes of a body: the events that were dispatched and the bytes after the last blank line. */
export interface ReadEvents {
  readonly events: readonly ReadEvent[];
  /** The unterminated tail; a strict reader discards it (WHATWG HTML section 9.2.6). */
  readonly tail: string;
}

/**
 * Reads a whole `text/event-stream` body by the letter of WHATWG HTML section 9.2.6: CR, LF and CRLF end a line, one BOM is
 * dropped, comments are skipped, an event is dispatched by a blank line only. Invalid UTF-8 throws.
 */
export function readEvents(body: Uint8Array): ReadEvents {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  const events: ReadEvent[] = [];
  let event = '';
  let data: string[] = [];
  let offset = 0;
  let dispatched = 0;
  const lineEnd = /\r\n|\n|\r/g;
  for (let match = lineEnd.exec(text); match !== null; match = lineEnd.exec(text)) {
    const line = text.slice(offset, match.index);
    offset = lineEnd.lastIndex;
    if (line === '') {
      if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n') });
      event = '';
      data = [];
      dispatched = offset;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return { events, tail: text.slice(dispatched) };
}
