import type { GatewayConfig } from '../config/gateway-config.ts';
import { createDemoPage, type DemoPage } from './demo-page.ts';
import { onStage } from './demo-stage.ts';
import { showBrokenStream } from './scenes/broken-stream.ts';
import { showErrors } from './scenes/errors.ts';
import { showFormats } from './scenes/formats.ts';
import { showHeaders } from './scenes/headers.ts';
import { showIsolation } from './scenes/isolation.ts';
import { showStreaming } from './scenes/streaming.ts';
import { showTools } from './scenes/tools.ts';

/** What the demonstration runs on, and where it is read. */
export interface DemoOptions {
  /** A configuration for the real API; absent: the simulator answers. */
  readonly config?: GatewayConfig;
  readonly model: string;
  readonly hasColours: boolean;
  readonly output: { write(text: string): unknown };
}

/** Plays every scene and prints pass or fail for each claim. Resolves to whether all of them did. */
export async function runDemo({ config, model, hasColours, output }: DemoOptions): Promise<boolean> {
  const page = createDemoPage(output, hasColours);
  page.title('Penstock');
  page.explain(config === undefined
    ? 'THE BUILT-IN SIMULATOR answers: made-up text, no cost. Set ANTHROPIC_API_KEY to see the real API.'
    : `The real API answers (${new URL(config.anthropic_native.base_url).host}, ${model}): about ten short requests of yours.`);
  await onStage({ config, model, isPaced: true }, async (stage) => {
    for (const scene of [showFormats, showStreaming, showTools, showErrors, showHeaders]) await play(page, () => scene(stage, page));
  });
  await play(page, () => showIsolation(page));
  await play(page, () => showBrokenStream(page));
  const failed = page.claims.filter(({ holds }) => !holds);
  page.title(failed.length === 0 ? `All ${page.claims.length} claims held` : `${failed.length} of ${page.claims.length} claims FAILED`);
  for (const { text } of failed) page.show('failed', text);
  return failed.length === 0;
}

/** A scene that throws is a claim that failed, not the end of the demonstration. */
async function play(page: DemoPage, scene: () => Promise<void>): Promise<void> {
  try {
    await scene();
  } catch (error) {
    page.claim('the scene played to its end', false, error instanceof Error ? error.message : String(error));
  }
}
