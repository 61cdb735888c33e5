import { ask } from '../ask.ts';
import type { DemoPage } from '../demo-page.ts';
import type { DemoStage } from '../demo-stage.ts';

const SHOWN_EVENTS = 6;

/** A stream, with the time at which each part arrived. */
export async function showStreaming(stage: DemoStage, page: DemoPage): Promise<void> {
  page.title('2. Streaming, as it arrives');
  page.explain('Nothing is buffered: each line below was printed when its bytes came.');
  let shown = 0;
  const answer = await ask(`${stage.anthropic}/v1/messages`, {
    body: { model: stage.model, max_tokens: 80, stream: true, messages: [{ role: 'user', content: 'Count slowly from one to ten, in words.' }] },
    onArrival: ({ atMs, bytes }) => {
      const names = Array.from(bytes.toString().matchAll(/^event: (\w+)/gm), ([, name]) => name);
      if (shown < SHOWN_EVENTS) page.show(`+${atMs.toFixed(0)} ms`, names.join(' '));
      shown += 1;
    },
  });
  if (shown > SHOWN_EVENTS) page.show(`+${answer.durationMs.toFixed(0)} ms`, `(${shown - SHOWN_EVENTS} more arrivals) end`);
  const text = answer.body.toString();
  const first = answer.arrivals[0]?.atMs ?? Number.POSITIVE_INFINITY;
  page.claim('the answer came in several parts, the first well before the last', answer.arrivals.length > 2 && first < (answer.arrivals.at(-1)?.atMs ?? 0), answer.arrivals.length);
  page.claim('it is an event stream from message_start to message_stop', answer.headers.get('content-type')?.startsWith('text/event-stream') === true && text.startsWith('event: message_start') && text.includes('event: message_stop'), text);
  page.claim('proxies in front are told not to buffer it', answer.headers.get('x-accel-buffering') === 'no' && answer.headers.get('cache-control') !== null);
}
