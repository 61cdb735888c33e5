import Anthropic, { NotFoundError, toFile } from '@anthropic-ai/sdk';
import { fieldValues, statusOf } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../src/index.ts';
import { ask, jsonOf } from './fixture.ts';

let simulator: Simulator;
let client: Anthropic;
beforeAll(async () => {
  simulator = await startSimulator({ batchPolls: 1 });
  client = new Anthropic({ apiKey: 'test-key', baseURL: simulator.origin, maxRetries: 0 });
});
afterAll(async () => { await simulator.close(); });

const params = (model: string): Anthropic.MessageCreateParamsNonStreaming => ({ model, max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] });

describe('batches', () => {
  it('goes from in_progress through polls to results, each keyed by its custom id (their order means nothing)', async () => {
    const created = await client.messages.batches.create({
      requests: [
        { custom_id: 'good', params: params('sim-text') },
        { custom_id: 'bad', params: { ...params('sim-text'), max_tokens: 0 } },
        { custom_id: 'late', params: params('sim-expired') },
      ],
    });
    expect(created).toMatchObject({ type: 'message_batch', processing_status: 'in_progress', results_url: null, request_counts: { processing: 3 } });
    const poll = await client.messages.batches.retrieve(created.id).withResponse();
    expect(poll.data.processing_status).toBe('in_progress');
    expect(poll.response.headers.get('retry-after')).toBe('10');
    const ended = await client.messages.batches.retrieve(created.id);
    expect(ended).toMatchObject({ processing_status: 'ended', request_counts: { processing: 0, succeeded: 1, errored: 1, expired: 1 } });
    expect(ended.results_url).toBe(`${simulator.origin}/v1/messages/batches/${created.id}/results`);
    const results = new Map<string, string>();
    for await (const line of await client.messages.batches.results(created.id)) {
      results.set(line.custom_id, line.result.type);
      if (line.result.type === 'succeeded') expect(line.result.message.usage.service_tier).toBe('batch');
    }
    expect(Object.fromEntries(results)).toEqual({ good: 'succeeded', bad: 'errored', late: 'expired' });
    expect(await client.messages.batches.delete(created.id)).toEqual({ id: created.id, type: 'message_batch_deleted' });
    await expect(client.messages.batches.retrieve(created.id)).rejects.toThrow(NotFoundError);
  });

  it('cancels what still waits', async () => {
    const created = await client.messages.batches.create({ requests: [{ custom_id: 'a', params: params('sim-text') }] });
    expect((await client.messages.batches.cancel(created.id)).processing_status).toBe('canceling');
    expect(await client.messages.batches.retrieve(created.id)).toMatchObject({ processing_status: 'ended', request_counts: { canceled: 1 } });
  });

  it('lists the newest first and pages in both directions', async () => {
    const ids: string[] = [];
    for (const name of ['x', 'y', 'z']) ids.unshift((await client.messages.batches.create({ requests: [{ custom_id: name, params: params('sim-text') }] })).id);
    const first = await client.messages.batches.list({ limit: 2 });
    expect(first.data.map((batch) => batch.id)).toEqual(ids.slice(0, 2));
    expect(first.has_more).toBe(true);
    const back = await client.messages.batches.list({ limit: 1, before_id: ids[2] ?? '' });
    expect(back.data.map((batch) => batch.id)).toEqual([ids[1]]);
  });

  it('sends results as JSON lines to be downloaded', async () => {
    const created = await client.messages.batches.create({ requests: [{ custom_id: 'a', params: params('sim-text') }] });
    const early = await ask(simulator, `/v1/messages/batches/${created.id}/results`, undefined, {}, 'GET');
    expect(statusOf(early)).toBe(400);
    await client.messages.batches.retrieve(created.id);
    await client.messages.batches.retrieve(created.id);
    const results = await ask(simulator, `/v1/messages/batches/${created.id}/results`, undefined, {}, 'GET');
    expect(fieldValues(results.rawHeaders, 'content-type')).toEqual(['application/x-jsonl']);
    expect(fieldValues(results.rawHeaders, 'content-disposition')).toEqual([`attachment; filename*=utf-8''${created.id}_results.jsonl`]);
    expect(results.body.toString()).toMatch(/^\{"custom_id":"a",.*\}\n$/);
  });

  it.each([
    [{}, 'requests: Field required'], [{ requests: [] }, 'requests: List should have at least 1 item after validation, not 0'],
    [{ requests: [{ custom_id: 'a b', params: {} }] }, "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"],
    [{ requests: [{ custom_id: 'a', params: {} }, { custom_id: 'a', params: {} }] }, 'requests.1.custom_id: custom_id must be unique, found a more than once'],
    [{ requests: [{ custom_id: 'a', params: { stream: true } }] }, 'requests.0.params.stream: Streaming is not supported in batches'],
  ])('refuses %j as a whole', async (body, message) => {
    const answer = await ask(simulator, '/v1/messages/batches', body);
    expect(statusOf(answer)).toBe(400);
    expect(jsonOf(answer)).toMatchObject({ error: { message } });
  });

  it('puts the configured public origin into results_url', async () => {
    await using elsewhere = await startSimulator({ publicOrigin: 'https://api.anthropic.com' });
    const other = new Anthropic({ apiKey: 'k', baseURL: elsewhere.origin, maxRetries: 0 });
    const created = await other.messages.batches.create({ requests: [{ custom_id: 'a', params: params('sim-text') }] });
    expect((await other.messages.batches.retrieve(created.id)).results_url).toBe(`https://api.anthropic.com/v1/messages/batches/${created.id}/results`);
  });
});

describe('files', () => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index * 7 % 256));

  it('takes a file up, describes it, brings it down byte for byte, and deletes it', async () => {
    const file = await client.files.upload({ file: await toFile(bytes, 'données "x".bin'.replaceAll('"', ''), { type: 'application/x-thing' }) });
    expect(file).toMatchObject({ type: 'file', filename: 'données x.bin', mime_type: 'application/x-thing', size_bytes: bytes.length, downloadable: true });
    expect(await client.files.retrieveMetadata(file.id)).toEqual(file);
    const down = await client.files.download(file.id);
    expect(down.headers.get('content-type')).toBe('application/x-thing');
    expect(Buffer.from(await down.arrayBuffer()).equals(bytes)).toBe(true);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, type: 'file_deleted' });
    await expect(client.files.retrieveMetadata(file.id)).rejects.toThrow(NotFoundError);
  });

  it('pages through all files by cursor', async () => {
    const uploaded = new Set<string>();
    for (const name of ['a', 'b', 'c']) uploaded.add((await client.files.upload({ file: await toFile(Buffer.from(name), `${name}.txt`) })).id);
    const listed: string[] = [];
    for await (const file of client.files.list({ limit: 2 })) listed.push(file.id);
    expect([...uploaded].every((id) => listed.includes(id))).toBe(true);
    const [first = ''] = uploaded;
    expect((await client.files.list({ ids: [first] })).data.map((file) => file.id)).toEqual([first]);
  });

  it('refuses a download that is not allowed, and a file whose time is up', async () => {
    let now = Date.UTC(2026, 10, 22);
    await using timed = await startSimulator({ clock: { now: () => now, wait: () => Promise.resolve() } });
    const other = new Anthropic({ apiKey: 'k', baseURL: timed.origin, maxRetries: 0 });
    const closed = await other.files.upload({ file: await toFile(Buffer.from('x'), 'not-downloadable.txt') });
    await expect(other.files.download(closed.id)).rejects.toMatchObject({ status: 400, error: { error: { details: { error_code: 'file_not_downloadable' } } } });
    const brief = await other.files.upload({ file: await toFile(Buffer.from('x'), 'brief.txt'), expires_in_seconds: 60 });
    expect(brief.expires_at).toBe('2026-11-22T00:01:00.000000+00:00');
    now += 60_000;
    await expect(other.files.retrieveMetadata(brief.id)).rejects.toMatchObject({ status: 404, error: { error: { details: { error_code: 'file_expired' } } } });
  });

  it.each(['multipart/form-data', 'multipart/form-data; boundary=other', 'application/json'])('refuses a body that is not what %s says', async (type) => {
    expect(statusOf(await ask(simulator, '/v1/files', '--x\r\n\r\n--x--', { 'content-type': type }))).toBe(400);
  });
});

describe('skills', () => {
  const skillFile = (name: string): Promise<File> => toFile(Buffer.from(`---\nname: ${name}\ndescription: Opens gates\n---\nText`), `${name}/SKILL.md`);

  it('creates a skill with versions, brings a version down as an archive, and deletes them', async () => {
    const skill = await client.skills.create({ files: [await skillFile('gate'), await toFile(Buffer.from('print()'), 'gate/run.py')], display_name: 'Gate' });
    expect(skill).toMatchObject({ type: 'skill', display_name: 'Gate', source: { type: 'custom' } });
    const version = await client.skills.versions.create(skill.id, { files: [await skillFile('gate')] });
    expect(version).toMatchObject({ name: 'gate', description: 'Opens gates', skill_id: skill.id });
    expect((await client.skills.retrieve(skill.id)).latest_version_id).toBe(version.id);
    const versions = await client.skills.versions.list(skill.id);
    expect(versions.data).toHaveLength(2);
    const archive = await ask(simulator, `/v1/skills/${skill.id}/versions/${skill.latest_version_id}/content`, undefined, {}, 'GET');
    expect(archive.body.subarray(0, 4)).toEqual(Buffer.from('PK\u0003\u0004'));
    expect(archive.body.includes('gate/run.py')).toBe(true);
    await expect(client.skills.delete(skill.id)).rejects.toThrow('Delete all versions first');
    for (const each of versions.data) await client.skills.versions.delete(each.id, { skill_id: skill.id });
    expect(await client.skills.delete(skill.id)).toEqual({ id: skill.id, type: 'skill_deleted' });
  });

  it('refuses files in two folders or without SKILL.md (paths in file names matter)', async () => {
    await expect(client.skills.create({ files: [await skillFile('a'), await skillFile('b')] })).rejects.toThrow('same top-level folder');
    await expect(client.skills.create({ files: [await toFile(Buffer.from('x'), 'a/README.md')] })).rejects.toThrow('SKILL.md');
  });
});

describe('the legacy completion', () => {
  const legacy = { model: 'claude-instant-1.2', prompt: '\n\nHuman: Hello\n\nAssistant:', max_tokens_to_sample: 100 };

  it('legacy completion: has the same text whole and streamed', async () => {
    const whole = jsonOf(await ask(simulator, '/v1/complete', legacy));
    expect(whole).toMatchObject({ type: 'completion', stop_reason: 'stop_sequence', stop: '\n\nHuman:', id: expect.stringMatching(/^compl_01/) });
    const stream = (await ask(simulator, '/v1/complete', { ...legacy, stream: true })).body.toString();
    const texts = [...stream.matchAll(/^event: completion\ndata: (\{.*\})$/gm)].map((match) => String(Object(JSON.parse(match[1] ?? ''))['completion']));
    expect(texts.join('')).toBe(whole['completion']);
  });

  it('refuses a prompt without turns', async () => {
    expect(jsonOf(await ask(simulator, '/v1/complete', { ...legacy, prompt: 'Hello' }))).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});
