import { openRawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { Spinner } from '../../src/peer-process/spinner.ts';
import { startUpstream } from '../../src/upstream/start-upstream.ts';
import { StampReader, streamOf } from '../../src/wire/stamp.ts';

const REQUEST = 'POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 15\r\n\r\n{"stream":true}';

test('a saturated stream sends an event only when the one before was received', async () => {
  const upstream = await startUpstream(new Spinner());
  upstream.follow({ kind: 'stream', pace: 'saturated', events: 3 });
  const connection = await openRawConnection(upstream.port);
  const seen: number[] = [];
  const stamps = new StampReader((stamp) => { seen.push(streamOf(stamp)); });
  connection.send(REQUEST);
  let read = 0;
  for (let event = 1; event <= 3; event += 1) {
    await connection.waitFor((bytes) => {
      stamps.push(bytes.subarray(read));
      read = bytes.length;
      return seen.length >= event;
    }, 30_000);
    expect(seen).toHaveLength(event);
    upstream.onEventReceived(seen[0] as number);
  }
  await connection.waitFor((bytes) => bytes.includes('message_stop'), 30_000);
  expect(upstream.status().openStreams).toBe(0);
  connection.close();
});

test('a mix answers a request for a stream with one, and any other with a message', async () => {
  const upstream = await startUpstream(new Spinner());
  upstream.follow({ kind: 'mix', pace: 'at once', events: 2 });
  const connection = await openRawConnection(upstream.port);
  connection.send(`${REQUEST}${REQUEST.replace('true}', 'false').replace('15', '14').replace('false', 'fals')}`);
  await connection.waitFor((bytes) => bytes.includes('message_stop') && bytes.includes('"type":"message","role":"assistant","content":[{'), 30_000);
  expect(upstream.status().requests).toBe(2);
  connection.close();
});

test('a paced stream comes to its end whether the event loop sleeps or spins', async () => {
  for (const isSpinning of [false, true]) {
    const spinner = new Spinner();
    const upstream = await startUpstream(spinner);
    spinner.spin(isSpinning);
    upstream.follow({ kind: 'stream', pace: 1_000, events: 5 });
    const connection = await openRawConnection(upstream.port);
    connection.send(REQUEST);
    await connection.waitFor((bytes) => bytes.includes('message_stop'), 30_000);
    expect(connection.received().toString('latin1').split('content_block_delta').length - 1).toBe(10);
    connection.close();
    spinner.spin(false);
  }
});

test('a connection that carries many streams keeps nothing of those that ended', async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => { warnings.push(name); };
  process.on('warning', onWarning);
  const upstream = await startUpstream(new Spinner());
  upstream.follow({ kind: 'mix', pace: 1_000, events: 1 });
  const connection = await openRawConnection(upstream.port);
  for (let stream = 1; stream <= 15; stream += 1) {
    connection.send(REQUEST);
    await connection.waitFor((bytes) => bytes.toString('latin1').split('event: message_stop').length - 1 >= stream, 30_000);
  }
  await new Promise((resolve) => { setImmediate(resolve); });
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
  connection.close();
});
