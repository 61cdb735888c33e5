import { invalidValue, unsupported, type JsonObject } from '../json/json-value.ts';
import { isThinkingBlock } from './content-parts.ts';
import { createToolPairs, type ToolPairs } from './tool-pairs.ts';
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
  /**
   * A `tool_result` block; results that follow one another are merged into one user turn, in front of its texts. `param` names where it stands:
   * throws the 400 for one that answers no call.
   */
  addResult(block: JsonObject, param: string): void;
  /** Throws the 400 where a call of an earlier turn has no result. */
  addAssistant(blocks: readonly JsonObject[], param: string): void;
  /** The conversation as it was built. Throws the 400 for one without a turn, and for a last assistant turn that the model refuses. */
  finish(): TranslatedMessages;
}

interface State {
  readonly pairs: ToolPairs;
  /** The blocks of the last assistant turn. */
  assistant: JsonObject[];
  readonly system: JsonObject[];
  /** Texts of system messages after the first turn, to be joined at the top. */
  readonly hoisted: string[];
  readonly turns: Turn[];
  /** What followed the last assistant turn: tool results and user contents are merged once it is known whether there are results. */
  results: JsonObject[];
  contents: (readonly JsonObject[])[];
  /** System texts that stay in the conversation: they stand behind the user turn that came before them or comes next. */
  inline: JsonObject[];
}

function hoist(state: State, blocks: readonly JsonObject[], scope: TranslationScope): void {
  scope.ignore(`${scope.names.turns}.system_position`);
  if (blocks.some((block) => block['cache_control'] !== undefined)) scope.ignore(`${scope.names.turns}.cache_control`);
  for (const block of blocks) state.hoisted.push(String(block['text']));
}

/** Whether anything of the user came since the last assistant turn. */
function hasUserRun({ results, contents }: State): boolean {
  return results.length > 0 || contents.length > 0;
}

/**
 * Ends a run of tool and user messages, and puts the system texts that came before or in it behind it, where the upstream takes them: behind a
 * user turn, and last or in front of an assistant turn (https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages).
 * What was sent stays as it was when further turns follow, so that prompt caches and thinking that is bound to its prefix survive.
 */
function endRun(state: State): void {
  const isInlineDue = hasUserRun(state) && state.inline.length > 0;
  flushUserRun(state);
  if (!isInlineDue) return;
  state.turns.push({ role: 'system', content: state.inline });
  state.inline = [];
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
  const isLeading = state.turns.length === 0 && !hasUserRun(state);
  if (isLeading) {
    for (const block of blocks) state.system.push(block);
    return;
  }
  if (blocks.length === 0) return;
  const { laterSystemMessages, capabilities } = scope.settings;
  if (laterSystemMessages === 'hoist' || !capabilities.inlineSystem) {
    hoist(state, blocks, scope);
    return;
  }
  for (const block of blocks) state.inline.push(block);
}

/** Reports that system texts move behind what comes now. */
function passInline(state: State, scope: TranslationScope): void {
  if (state.inline.length > 0) scope.ignore(`${scope.names.turns}.system_position`);
}

/** The upstream refuses a last assistant turn that ends in a thought, which a client has of an answer that was cut. */
function trimThoughts(turns: readonly Turn[], scope: TranslationScope): readonly Turn[] {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return turns;
  const end = last.content.findLastIndex((block) => !isThinkingBlock(block)) + 1;
  if (end === last.content.length) return turns;
  scope.ignore(`${scope.names.turns}.trailing_thinking`);
  return end === 0 ? turns.slice(0, -1) : [...turns.slice(0, -1), { ...last, content: last.content.slice(0, end) }];
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

/** The user turn that the upstream demands in front of an assistant that begins, as chats with a greeting do. */
const BEGINNING: Turn = { role: 'user', content: [{ type: 'text', text: '(The conversation begins.)' }] };

function addAssistant(state: State, blocks: readonly JsonObject[], param: string, scope: TranslationScope): void {
  if (blocks.length === 0) return;
  const isContinued = !hasUserRun(state) && state.pairs.hasOpen();
  if (!isContinued) state.pairs.requireClosed();
  endRun(state);
  passInline(state, scope);
  if (state.turns.length === 0) {
    scope.ignore(`${scope.names.turns}.first_role`);
    state.turns.push(BEGINNING);
  }
  // Calls that came in messages of their own are answered together, so they are one turn.
  if (!isContinued) {
    state.assistant = [];
    state.turns.push({ role: 'assistant', content: state.assistant });
  }
  for (const block of state.pairs.open(blocks, param)) state.assistant.push(block);
}

function finish(state: State, scope: TranslationScope): TranslatedMessages {
  state.pairs.requireClosed();
  endRun(state);
  // Behind a last assistant turn they have no place.
  if (state.inline.length > 0) hoist(state, state.inline, scope);
  const { turns, hoisted } = state;
  const param = scope.names.turns;
  if (turns.length === 0) throw invalidValue(param, 'at least one user or assistant message with content is needed');
  if (turns.at(-1)?.role === 'assistant' && scope.settings.capabilities.rejectsPrefill) {
    throw unsupported(param, 'this model does not continue a last assistant message; end with a user message');
  }
  const system = hoisted.length === 0 ? state.system : [...state.system, { type: 'text', text: hoisted.join('\n') }];
  return { system, messages: trimPrefill(trimThoughts(turns, scope), scope) };
}

/** Begins a conversation. */
export function createConversation(scope: TranslationScope): Conversation {
  const state: State = { pairs: createToolPairs(scope), assistant: [], system: [], hoisted: [], turns: [], results: [], contents: [], inline: [] };
  return {
    addSystem: (blocks) => { addSystem(state, blocks, scope); },
    addUser: (blocks) => {
      if (blocks.length === 0) return;
      passInline(state, scope);
      state.contents.push(blocks);
    },
    addResult: (block, param) => {
      passInline(state, scope);
      state.results.push(state.pairs.close(block, param));
    },
    addAssistant: (blocks, param) => { addAssistant(state, blocks, param, scope); },
    finish: () => finish(state, scope),
  };
}
