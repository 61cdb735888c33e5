import { openRawConnection } from '@penstock/test-support';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchSilence, type SilenceWatch } from '../../src/routes/keep-alive.ts';
import { messageEvents, sseEvent } from '../support/messages-upstream.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

describe('watchSilence', () => {
  let comments: number;
  let isReading: boolean;
  const watch = (keepAliveMs = 0, maxSilenceMs = 10_000): SilenceWatch => watchSilence({ keepAliveMs, maxSilenceMs }, () => {
    if (isReading) comments += 1;
    return isReading;
  });

  beforeEach(() => {
    vi.useFakeTimers();
    comments = 0;
    isReading = true;
  });

  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('comments ten seconds after the last write, however often events come that hold nothing for the client', () => {
    const silence = watch();
    for (let second = 0; second < 35; second += 1) {
      vi.advanceTimersByTime(1000);
      silence.unheard();
    }
    expect([comments, silence.largestGapMs()]).toEqual([3, 10_000]);
    silence.stop();
  });

  it('comments at once where the silence was longer before such an event came', () => {
    const silence = watch();
    vi.advanceTimersByTime(12_000);
    silence.unheard();
    vi.advanceTimersByTime(0);
    expect([comments, silence.largestGapMs()]).toEqual([1, 12_000]);
    silence.stop();
  });

  it('does not comment while the upstream is silent as well (a dead one must look dead)', () => {
    const silence = watch();
    silence.unheard();
    silence.heard();
    vi.advanceTimersByTime(60_000);
    expect([comments, silence.largestGapMs()]).toEqual([0, 60_000]);
    silence.stop();
  });

  it('does not comment where the client got something meanwhile', () => {
    const silence = watch();
    for (let second = 0; second < 60; second += 1) {
      vi.advanceTimersByTime(1000);
      silence.unheard();
      if (second % 9 === 8) silence.heard();
    }
    expect([comments, silence.largestGapMs()]).toEqual([0, 9000]);
    silence.stop();
  });

  it('writes nothing to a client that does not read, and tries again with the next event', () => {
    const silence = watch();
    isReading = false;
    silence.unheard();
    vi.advanceTimersByTime(15_000);
    expect(comments).toBe(0);
    isReading = true;
    silence.unheard();
    vi.advanceTimersByTime(0);
    expect([comments, silence.largestGapMs()]).toEqual([1, 15_000]);
    silence.stop();
  });

  it('comments into any silence where that is switched on, and never where both are off', () => {
    const each = watch(100, 0);
    vi.advanceTimersByTime(1000);
    expect([comments, each.largestGapMs()]).toEqual([10, 100]);
    each.stop();
    const never = watch(0, 0);
    never.unheard();
    vi.advanceTimersByTime(60_000);
    expect(comments).toBe(10);
    never.stop();
  });
});

describe.each([
  ['thinking', { type: 'thinking', thinking: '', signature: '' }, { type: 'thinking_delta', thinking: 'hm' }],
  ['the input of a server tool', { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, { type: 'input_json_delta', partial_json: '{' }],
])('a stream in which only %s comes', (_what, block, delta) => {
  it('is kept alive by comments, and its largest gap is the client\'s', async () => {
    const enough = Promise.withResolvers<void>();
    const [begun = '', ended = ''] = messageEvents([]).split('event: message_delta');
    await using door = await startFrontDoor(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(begun + sseEvent({ type: 'content_block_start', index: 0, content_block: block }));
      const timer = setInterval(() => { response.write(sseEvent({ type: 'content_block_delta', index: 0, delta })); }, 5);
      await enough.promise;
      clearInterval(timer);
      response.end(`${sseEvent({ type: 'content_block_stop', index: 0 })}event: message_delta${ended}`);
    }, { limits: { maxSilenceMs: 40 } });
    const body = JSON.stringify({ model: 'claude-sonnet-4-5', stream: true, messages: [{ role: 'user', content: 'Hello' }] });
    const connection = await openRawConnection(door.port);
    connection.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await connection.waitFor((bytes) => (bytes.toString().match(/: keep-alive\n\n/g) ?? []).length >= 3);
    enough.resolve();
    const bytes = await connection.waitFor((received) => received.includes('[DONE]'));
    connection.close();
    expect(bytes.toString()).not.toContain('hm');
    // Events came every 5 ms, and the client heard something every 40 ms.
    expect((await door.settled()).largestGapMs).toBeGreaterThan(30);
  });
});
