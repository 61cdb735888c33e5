// Both ends of the gateway in a process of their own, so that what they cost is not taken for the gateway's: an upstream and a client.
// Its parent sends {origin, request} or {origin, answer} and is told {status, bytes}; first it is told the port of the upstream.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { COSTLY_ANSWERS, COSTLY_REQUESTS } from './costly-bodies.ts';

const PLAIN_ANSWER = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } });

interface Order {
  readonly origin: string;
  readonly model: string;
  readonly request?: string;
  readonly answer?: string;
}

let answer = PLAIN_ANSWER;
const upstream = createServer((request, response) => {
  request.resume();
  request.on('end', () => { response.writeHead(200, { 'content-type': 'application/json' }).end(answer); });
});
upstream.listen(0, '127.0.0.1', () => { process.send?.({ port: (upstream.address() as AddressInfo).port }); });

async function carryOut(order: Order): Promise<void> {
  answer = order.answer === undefined ? PLAIN_ANSWER : COSTLY_ANSWERS[order.answer]?.() ?? '';
  const body = order.request === undefined ? `{"model":"${order.model}","messages":[{"role":"user","content":"x"}]}` : COSTLY_REQUESTS[order.request]?.(order.model) ?? '';
  const response = await fetch(`${order.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await response.text();
  process.send?.({ status: response.status, bytes: Math.max(body.length, answer.length) });
}

// A failure ends the process, which its parent waits for as well.
process.on('message', (order: Order) => { void carryOut(order); });
