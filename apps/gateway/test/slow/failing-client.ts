import { parentPort, workerData } from 'node:worker_threads';

// A client of its own thread, so that what it does is not measured as the gateway's latency.
const { origin, pauseMs } = workerData as { readonly origin: string; readonly pauseMs: number };
const stop = new AbortController();
parentPort?.once('message', () => stop.abort());

const body = JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] });

async function run(): Promise<void> {
  while (!stop.signal.aborted) {
    const response = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await response.arrayBuffer();
    parentPort?.postMessage(response.status);
    await new Promise((next) => { setTimeout(next, pauseMs); });
  }
}

await run();
