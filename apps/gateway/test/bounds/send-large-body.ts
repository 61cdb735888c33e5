// A client in a process of its own, which sends as fast as it can however busy the gateway's process is.
// usage: send-large-body.ts PORT PATH TYPE BYTES CHUNK_BYTES; BYTES on the wire, CHUNK_BYTES 0 for a counted body. Its parent is told the status.
import { once } from 'node:events';
import { connect } from 'node:net';
import { inChunksOf, lengthOf, repeatBytes } from '@penstock/test-support';

const [port = '', path = '', type = '', bytes = '0', chunkBytes = '0'] = process.argv.slice(2);
const chunked = Number(chunkBytes);
const wireBytesOfAByte = chunked === 0 ? 1 : 6;
const body = repeatBytes('{"model":"claude-sim","messages":[{"role":"user","content":"', 'x', '"}]}', Number(bytes) / wireBytesOfAByte);
const framing = chunked === 0 ? `content-length: ${lengthOf(body)}` : 'transfer-encoding: chunked';
const { first, block, times, last } = chunked === 0 ? body : inChunksOf(chunked, body);

const socket = connect(Number(port), '127.0.0.1');
// Refused before its end, it may be reset while it still sends.
const closed = new Promise((resolve) => { socket.once('close', resolve); });
socket.on('error', () => undefined);
let answer = '';
socket.on('data', (chunk: Buffer) => { answer += chunk.toString('latin1'); });
socket.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n`);
for (const piece of [first, ...Array.from({ length: times }, () => block), last]) {
  if (!socket.destroyed && !socket.write(piece)) await Promise.race([once(socket, 'drain'), closed]);
}
await closed;
process.send?.(Number(answer.slice(9, 12)));
