import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BodyWriter } from '../src/relay/chunked-body-writer.ts';
import { createEventBoundary, type EventBoundary } from '../src/relay/event-boundary.ts';
import { KeepAliveComments } from '../src/relay/keep-alive-comments.ts';

const INTERVAL_MS = 1_000;
let written: string[];
let isBlocked: boolean;
let boundary: EventBoundary;
let comments: KeepAliveComments;

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  isBlocked = false;
  const writer: BodyWriter = { write: (chunk) => { written.push(Buffer.from(chunk).toString()); return true; }, release: () => undefined, get isBlocked() { return isBlocked; } };
  boundary = createEventBoundary();
  comments = new KeepAliveComments(writer, boundary, INTERVAL_MS);
});
afterEach(() => {
  comments.dispose();
  vi.useRealTimers();
});

function arrives(text: string): void {
  boundary.update(Buffer.from(text));
  comments.restart(performance.now());
}

describe('keep-alive comments', () => {
  it('begin with the first chunk and come once an interval of silence', () => {
    vi.advanceTimersByTime(10 * INTERVAL_MS);
    expect(written).toEqual([]);
    arrives('data: 1\n\n');
    vi.advanceTimersByTime(INTERVAL_MS - 1);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(1 + 2 * INTERVAL_MS);
    expect([written, comments.sent]).toEqual([Array.from({ length: 3 }, () => ': keep-alive\n\n'), 3]);
  });

  it('are not written to a client that does not read, and go on when it does (they would only fill its buffer)', () => {
    arrives('data: 1\n\n');
    isBlocked = true;
    vi.advanceTimersByTime(10 * INTERVAL_MS);
    expect([written, comments.sent]).toEqual([[], 0]);
    isBlocked = false;
    vi.advanceTimersByTime(INTERVAL_MS);
    expect(comments.sent).toBe(1);
  });

  it('wait for the end of an event', () => {
    arrives('data: 1\n');
    vi.advanceTimersByTime(10 * INTERVAL_MS);
    expect(comments.sent).toBe(0);
    arrives('\n');
    vi.advanceTimersByTime(INTERVAL_MS);
    expect(comments.sent).toBe(1);
  });

  it('leave no timer behind', () => {
    arrives('data: 1\n\n');
    expect(vi.getTimerCount()).toBe(1);
    comments.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });
});
