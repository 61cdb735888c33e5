import { ask } from '../ask.ts';
import { onStage, type DemoStage } from '../demo-stage.ts';
import type { DemoPage } from '../demo-page.ts';

/** An upstream that dies in mid-stream: the client can tell. */
export async function showBrokenStream(page: DemoPage): Promise<void> {
  page.title('7. A broken stream looks broken');
  page.explain('The upstream is cut twice (always simulated): between two events, and in the middle of one.');
  await onStage({ model: 'claude-haiku-4-5' }, (stage) => breakTwice(stage, page));
}

async function breakTwice(stage: DemoStage, page: DemoPage): Promise<void> {
  const url = `${stage.anthropic}/v1/messages`;
  const body = { model: stage.model, max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'Tell me a story' }] };
  // The simulator cuts at a byte of what it sends, so nothing is compressed here.
  const identity = { 'accept-encoding': 'identity' };
  const whole = await ask(url, { body, headers: identity });
  const boundary = whole.body.indexOf('\n\n', whole.body.length / 2) + 2;

  const between = await ask(url, { body, headers: { ...identity, 'anthropic-simulator': `cut-at=${boundary}` } });
  page.show('between', `${between.body.length} bytes, then ${between.isBroken ? 'the connection broke' : 'a clean end'}`);
  page.claim('cut between two events, the connection breaks as the upstream\'s did', between.isBroken && between.body.equals(whole.body.subarray(0, boundary)));

  const inside = await ask(url, { body, headers: { ...identity, 'anthropic-simulator': `cut-at=${boundary + 9}` } });
  page.show('inside', `${inside.body.length} bytes, then ${inside.isBroken ? 'the connection broke' : 'a clean end'}`);
  page.claim('cut inside an event, the connection breaks: no clean end, nothing made up', inside.isBroken && inside.body.equals(whole.body.subarray(0, inside.body.length)));
  const truncated = await stage.counted(/^penstock_requests_total\{.*outcome="upstream_truncated"/, 2);
  page.show('counted', truncated.join('\n'));
  page.claim('both are counted as upstream_truncated', truncated.length === 1 && truncated[0]?.endsWith(' 2') === true, truncated);
}
