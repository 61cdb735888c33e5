import { describe, expect, test } from 'vitest';
import { CLOUD_CLIENTS, type CallAnswer, type CloudCalls } from './cloud-clients.ts';
import { openStraight, openThrough, type CloudPath } from './cloud-paths.ts';

/** What a program sees of a call: its answer, or the error that it has to catch. */
async function seen(call: (() => Promise<CallAnswer>) | undefined): Promise<unknown> {
  try {
    return await call?.();
  } catch (error) {
    const { name, status, message } = error as { readonly name: string; readonly status?: unknown; readonly message: string };
    return { name, status, message: message.replaceAll(/req_\w+/g, 'req') };
  }
}

interface Account { readonly seen: readonly unknown[]; readonly sent: readonly unknown[]; readonly problems: readonly unknown[] }

/** All calls, one after another, and what arrived at the cloud. */
async function account(path: CloudPath, open: (origin: string) => CloudCalls): Promise<Account> {
  const { simulator, stub } = path;
  const { ask, stream, count } = open(path.origin);
  const answers: unknown[] = [];
  for (const prepare of [() => simulator.reply('The penstock carries it.'), () => simulator.next({ status: 429, retryAfter: 0, message: 'Too many tokens' }), () => simulator.next({ status: 400, message: 'The body is refused' })]) {
    prepare();
    answers.push(await seen(ask));
    prepare();
    answers.push(await seen(stream));
  }
  answers.push(await seen(count));
  return {
    seen: answers, problems: stub.requests.map(({ problem }) => problem).filter((problem) => problem !== undefined),
    sent: stub.requests.map(({ method, url, body }) => [method, url, Buffer.from(body).toString()]),
  };
}

describe.each(CLOUD_CLIENTS.map((client) => [client.name, client] as const))('%s', (_name, { place, key, open, verify }) => {
  test('asks, streams, counts and is refused through the gateway as straight, and the same bytes arrive with another credential', async () => {
    await using straight = await openStraight(verify);
    await using through = await openThrough(place, key);
    const expected = await account(straight, open);
    const [asked, streamed] = expected.seen;
    expect(JSON.stringify(asked)).toContain('The penstock carries it.');
    expect(streamed).toEqual(asked);
    expect(expected.problems).toEqual([]);
    expect(await account(through, open)).toEqual(expected);
  });

  test('a stream that is cut fails through the gateway, too', async () => {
    await using through = await openThrough(place, key);
    through.simulator.fail({ cutAt: 400 });
    const { origin } = through;
    await expect(open(origin).stream()).rejects.toThrow();
  });
});
