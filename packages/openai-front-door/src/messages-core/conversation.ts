import { invalidValue, unsupported, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** One turn as the upstream takes it. */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly JsonObject[];
}

/** A conversation in the upstream's shape. */
export interface TranslatedMessages {
  readonly system: readonly JsonObject[];
  readonly messages: readonly Turn[];
}

/** Builds a conversation turn by turn, in the order in which a request has them. Empty contents are left out. */
export interface Conversation {
  /** A system text: at the top while no turn came, later where `laterSystemMessages` puts it. */
  addSystem(blocks: readonly JsonObject[]): void;
  addUser(blocks: readonly JsonObject[]): void;
  /** A `tool_result` block; results that follow one another are merged into one user turn, in front of its texts. */
  addResult(block: JsonObject): void;
  addAssistant(blocks: readonly JsonObject[]): void;
  /** The conversation as it was built. Throws the 400 for one without a turn, and for a last assistant turn that the model refuses. */
  finish(): TranslatedMessages;
}

interface State {
  readonly system: JsonObject[];
  /** Texts of system messages after the first turn, to be joined at the top. */
  readonly hoisted: string[];
  readonly turns: Turn[];
  /** What followed the last assistant turn: tool results and user contents are merged once it is known whether there are results. */
  results: JsonObject[];
  contents: (readonly JsonObject[])[];
  /** A system message that may stay where it is, if an assistant turn or nothing follows. */
  inline: JsonObject[] | undefined;
}

function hoist(state: State, blocks: readonly JsonObject[], scope: TranslationScope): void {
  scope.ignore(`${scope.names.turns}.system_position`);
  if (blocks.some((block) => block['cache_control'] !== undefined)) scope.ignore(`${scope.names.turns}.cache_control`);
  for (const block of blocks) state.hoisted.push(String(block['text']));
}

/** Settles a system message that may stay where it is: it may when an assistant turn or nothing follows it. */
function flushInline(state: State, canStay: boolean, scope: TranslationScope): void {
  if (state.inline === undefined) return;
  if (canStay) state.turns.push({ role: 'system', content: state.inline });
  else hoist(state, state.inline, scope);
  state.inline = undefined;
}

/** Ends a run of tool and user messages: all results first, in one user turn with the texts that came between or after them. */
function flushUserRun(state: State): void {
  const { results, contents } = state;
  if (results.length > 0) state.turns.push({ role: 'user', content: [...results, ...contents.flat()] });
  else for (const content of contents) state.turns.push({ role: 'user', content });
  state.results = [];
  state.contents = [];
}

function addSystem(state: State, blocks: readonly JsonObject[], scope: TranslationScope): void {
  const isLeading = state.turns.length === 0 && state.results.length === 0 && state.contents.length === 0;
  if (isLeading) {
    for (const block of blocks) state.system.push(block);
    return;
  }
  if (blocks.length === 0) return;
  const { laterSystemMessages, capabilities } = scope.settings;
  const followsUser = state.results.length > 0 || state.contents.length > 0;
  if (laterSystemMessages === 'inline' && capabilities.inlineSystem && followsUser) {
    state.inline ??= [];
    for (const block of blocks) state.inline.push(block);
    return;
  }
  hoist(state, blocks, scope);
}

/** The upstream refuses a last assistant text that ends in white space, which OpenAI's takes: models rarely write on behind it. */
function trimPrefill(turns: readonly Turn[], scope: TranslationScope): readonly Turn[] {
  const last = turns.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== 'assistant' || typeof block?.['text'] !== 'string') return turns;
  const text = block['text'].trimEnd();
  if (text === block['text']) return turns;
  scope.ignore(`${scope.names.turns}.trailing_whitespace`);
  return [...turns.slice(0, -1), { ...last, content: [...last.content.slice(0, -1), { ...block, text }] }];
}

function finish(state: State, scope: TranslationScope): TranslatedMessages {
  flushUserRun(state);
  flushInline(state, true, scope);
  const { turns, hoisted } = state;
  const param = scope.names.turns;
  if (turns.length === 0) throw invalidValue(param, 'at least one user or assistant message with content is needed');
  if (turns.at(-1)?.role === 'assistant' && scope.settings.capabilities.rejectsPrefill) {
    throw unsupported(param, 'this model does not continue a last assistant message; end with a user message');
  }
  const system = hoisted.length === 0 ? state.system : [...state.system, { type: 'text', text: hoisted.join('\n') }];
  return { system, messages: trimPrefill(turns, scope) };
}

/** Begins a conversation. */
export function createConversation(scope: TranslationScope): Conversation {
  const state: State = { system: [], hoisted: [], turns: [], results: [], contents: [], inline: undefined };
  return {
    addSystem: (blocks) => { addSystem(state, blocks, scope); },
    addUser: (blocks) => {
      flushInline(state, false, scope);
      if (blocks.length > 0) state.contents.push(blocks);
    },
    addResult: (block) => {
      flushInline(state, false, scope);
      state.results.push(block);
    },
    addAssistant: (blocks) => {
      if (blocks.length === 0) return;
      flushUserRun(state);
      flushInline(state, true, scope);
      state.turns.push({ role: 'assistant', content: blocks });
    },
    finish: () => finish(state, scope),
  };
}
