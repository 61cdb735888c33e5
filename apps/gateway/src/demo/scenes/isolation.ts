import { ask, at } from '../ask.ts';
import { onStage, type DemoStage } from '../demo-stage.ts';
import type { DemoPage } from '../demo-page.ts';

const NATIVE_SLOTS = 1;
const BODY = { model: 'claude-haiku-4-5', max_tokens: 20, messages: [{ role: 'user', content: 'Hi' }] };

/** One side broken, the other side full: neither notices. */
export async function showIsolation(page: DemoPage): Promise<void> {
  page.title('6. Isolation: the two sides share nothing');
  page.explain('First the front door\'s backend is dead, then the native side\'s only connection is taken (always simulated).');
  await onStage({
    model: BODY.model,
    sections: { openai_front_door: { backends: [{ name: 'dead', kind: 'anthropic', base_url: 'http://127.0.0.1:9', api_key: 'none' }], models: [{ model: 'claude-*', backend: 'dead' }] } },
  }, (stage) => breakFrontDoor(stage, page));
  await onStage({ model: BODY.model, sections: { anthropic_native: { pool: { max_connections: NATIVE_SLOTS }, timeouts: { slot_wait: 0.2 } } } }, (stage) => fillNativePool(stage, page));
}

async function breakFrontDoor(stage: DemoStage, page: DemoPage): Promise<void> {
  const dead = await ask(`${stage.openai}/chat/completions`, { body: BODY });
  const alive = await ask(`${stage.anthropic}/v1/messages`, { body: BODY });
  page.show('front door', `${dead.status} ${String(at(dead.json, 'error', 'code'))}`);
  page.show('native', `${alive.status} ${String(at(alive.json, 'content', 0, 'text'))}`);
  page.claim('with the front door\'s backend dead, it says 502 in OpenAI\'s shape', dead.status === 502 && at(dead.json, 'error', 'message') !== undefined, dead.json);
  page.claim('and the native side answers as ever', alive.status === 200);
}

async function fillNativePool(stage: DemoStage, page: DemoPage): Promise<void> {
  const leaving = new AbortController();
  const { promise: started, resolve } = Promise.withResolvers<unknown>();
  const held = ask(`${stage.anthropic}/v1/messages`, { body: { ...BODY, model: 'sim-slow', stream: true }, onArrival: resolve, signal: leaving.signal });
  await Promise.race([started, held]);
  const refused = await ask(`${stage.anthropic}/v1/messages`, { body: BODY });
  const served = await ask(`${stage.openai}/chat/completions`, { body: BODY });
  leaving.abort();
  await held;
  page.show('native', `${refused.status} ${refused.headers.get('x-penstock-error')}, retry-after ${refused.headers.get('retry-after')}`);
  page.show('front door', `${served.status} ${String(at(served.json, 'choices', 0, 'message', 'content'))}`);
  page.claim('with the native pool full, a second request is refused fast, with a hint when to come back', refused.status === 429 && refused.headers.get('retry-after') !== null, refused.json);
  page.claim('and the front door answers as ever', served.status === 200, served.json);
}
