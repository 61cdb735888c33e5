import type { Side } from './request-record.ts';

/** What sentences of one side call its upstream, within a sentence and at its start. */
export interface UpstreamTitle {
  readonly name: string;
  readonly atStart: string;
}

const titled = (name: string): UpstreamTitle => ({ name, atStart: name.charAt(0).toUpperCase() + name.slice(1) });

/** By side. The front door has backends of many kinds, which its own package names. */
export const UPSTREAM_TITLES: Readonly<Record<Exclude<Side, 'front_door'>, UpstreamTitle>> = {
  native: titled('the Anthropic API'),
  bedrock: titled('Amazon Bedrock'),
  vertex: titled('Vertex AI'),
};

/** A side that relays bytes verbatim. */
export type PipeSide = keyof typeof UPSTREAM_TITLES;
