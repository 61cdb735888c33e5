import type { Envelope, MemberValue, ValueSpan } from '@penstock/json-envelope';
import type { ReceivedJson } from '../body/receive-json.ts';

/** Where a body names its model, for upstreams that have another name for it. */
export interface ModelPlace {
  /** The JSON string of the one `model` in the bytes as they came; absent where it is no string that could be read, and in a compressed body. */
  readonly span: ValueSpan | undefined;
  readonly isCompressed: boolean;
  /** A member that names a further model, whose name would stay; `undefined` where there is none. */
  readonly furtherModels: string | undefined;
}

const FURTHER_MODELS = ['fallbacks[].model', 'fallbacks[]', 'tools[].model'];

/** Reads where a body, which has one `model` at most, names it. */
export function readModelPlace({ envelope, isCompressed }: Pick<ReceivedJson, 'envelope' | 'isCompressed'>): ModelPlace {
  const model = envelope.members.get('model')?.[0];
  return { span: model?.kind === 'string' && !isCompressed ? model.span : undefined, isCompressed, furtherModels: furtherModels(envelope) };
}

function furtherModels({ members }: Envelope): string | undefined {
  return FURTHER_MODELS.find((member) => members.get(member)?.some((value) => namesModel(member, value)));
}

/** An object in `fallbacks` names its model in a member of its own. */
function namesModel(member: string, { kind }: MemberValue): boolean {
  return member !== 'fallbacks[]' || kind !== 'object';
}
