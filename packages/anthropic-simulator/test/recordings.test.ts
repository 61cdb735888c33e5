import { fieldValues, loadRecordings, recordingsFolder, statusOf } from '@penstock/test-support';
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSimulatorError, startSimulator } from '../src/index.ts';
import { ask, askModel } from './fixture.ts';

describe('replaying', () => {
  const folder = recordingsFolder();
  const recordings = loadRecordings('sse', 'json', 'jsonl', 'error', 'transcripts');

  it.skipIf(folder === undefined)(`replays every recording byte for byte with its status and type (skipped where no recordings are: ${recordings.length} found)`, async () => {
    await using simulator = await startSimulator({ recordings: folder ?? '' });
    expect(simulator.recordings).toHaveLength(recordings.length);
    for (const recording of recordings) {
      const name = recording.name.replace(/\.[a-z]+$/, '');
      const plain = await ask(simulator, '/v1/messages', {}, { 'anthropic-simulator': `recording=${name}` });
      expect(plain.body.equals(recording.body), name).toBe(true);
      expect(statusOf(plain), name).toBe(recording.meta?.response?.status ?? 200);
      const type = recording.meta?.response?.headers?.['content-type'];
      if (type !== undefined) expect(fieldValues(plain.rawHeaders, 'content-type'), name).toEqual([type]);
      expect(plain.rawHeaders.some((field) => /^<\w+>$/.test(field)), name).toBe(false);
      if (recording.gzip === undefined) continue;
      const coded = await ask(simulator, '/v1/messages', {}, { 'anthropic-simulator': `recording=${name}`, 'accept-encoding': 'gzip' });
      expect(coded.body.equals(recording.gzip), name).toBe(true);
      expect(fieldValues(coded.rawHeaders, 'content-encoding')).toEqual(['gzip']);
    }
  });

  it('replays files of the user\'s own: bodies by their extension, and what `curl -i` printed', async () => {
    const own = mkdtempSync(join(tmpdir(), 'own-recordings-'));
    writeFileSync(join(own, 'mine.http'), 'HTTP/1.1 100 Continue\r\n\r\nHTTP/2 429 \r\ncontent-type: application/json\r\nretry-after: 9\r\nContent-Length: 3\r\nX-Mine: a:b\r\n\r\n{"type":"error"}\n\n');
    writeFileSync(join(own, 'stream.http'), 'HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\nevent: ping\ndata: {}\n\n');
    writeFileSync(join(own, 'plain.json'), '{"a":1}');
    writeFileSync(join(own, 'notes.txt'), 'no recording');
    await using simulator = await startSimulator({ recordings: own });
    expect(simulator.recordings).toEqual(['mine', 'plain', 'stream']);
    simulator.next({ recording: 'mine' });
    const limited = await askModel(simulator, 'claude-haiku-4-5');
    expect([statusOf(limited), limited.body.toString(), ...['retry-after', 'x-mine'].flatMap((name) => fieldValues(limited.rawHeaders, name))]).toEqual([429, '{"type":"error"}\n\n', '9', 'a:b']);
    expect((await askModel(simulator, 'sim-recording:stream')).body.toString()).toBe('event: ping\ndata: {}\n\n');
    expect((await askModel(simulator, 'sim-recording:plain')).body.toString()).toBe('{"a":1}');
  });

  it('replays by model name as well, with faults on top', async () => {
    const own = mkdtempSync(join(tmpdir(), 'recordings-'));
    mkdirSync(join(own, 'sse'));
    const body = 'event: ping\ndata: {"type": "ping"}\n\nevent: message_stop\ndata: {"type":"message_stop"  }\n\n';
    writeFileSync(join(own, 'sse', 'one.sse'), body);
    writeFileSync(join(own, 'sse', 'one.meta.json'), JSON.stringify({ response: { status: 200, headers: { 'request-id': 'req_recorded', 'content-length': '7', 'x-two': ['a', 'b'], 'cf-ray': '<scrubbed>' } } }));
    await using simulator = await startSimulator({ recordings: own });
    const answer = await askModel(simulator, 'sim-recording:one', { stream: true }, { 'anthropic-simulator': 'chunk=1' });
    expect(answer.body.toString()).toBe(body);
    expect(fieldValues(answer.rawHeaders, 'request-id')).toEqual(['req_recorded']);
    expect(fieldValues(answer.rawHeaders, 'x-two')).toEqual(['a', 'b']);
    expect(fieldValues(answer.rawHeaders, 'cf-ray')).toEqual([]);
    expect(statusOf(await askModel(simulator, 'sim-recording:../one'))).toBe(404);
  });

  it('refuses a folder without recordings', async () => {
    const failure = await startSimulator({ recordings: mkdtempSync(join(tmpdir(), 'empty-')) }).catch((error: unknown) => error);
    expect(isSimulatorError(failure) && failure.code).toBe('recording_not_found');
  });
});
