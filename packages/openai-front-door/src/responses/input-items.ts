import { invalidType, invalidValue, member, missing, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { cacheLastBlock, contentBlocks, isThinkingBlock, type PartKind } from '../messages-core/content-parts.ts';
import { createConversation, type Conversation, type TranslatedMessages } from '../messages-core/conversation.ts';
import { parseArguments } from '../messages-core/tool-arguments.ts';
import { translateToolId } from '../messages-core/tool-id.ts';
import { requireToolName } from '../messages-core/tool-name.ts';
import { toolResult } from '../messages-core/tool-result.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';
import type { DeclaredTools } from './declared-tools.ts';
import { openSealed } from './sealed-blocks.ts';
import { CUSTOM_INPUT, flatName } from './tool-names.ts';

const TEXT_ONLY: ReadonlySet<PartKind> = new Set(['text']);
const USER_PARTS: ReadonlySet<PartKind> = new Set(['text', 'image_url', 'file']);
const ASSISTANT_PARTS: ReadonlySet<PartKind> = new Set(['text', 'refusal']);

const CACHE_MEMBERS = ['cache_control', 'prompt_cache_breakpoint'];
const MESSAGE_MEMBERS: ReadonlySet<string> = new Set(['type', 'role', 'content', 'id', 'status', 'phase', ...CACHE_MEMBERS]);
const CALL_MEMBERS: ReadonlySet<string> = new Set(['type', 'id', 'call_id', 'name', 'namespace', 'arguments', 'input', 'status', ...CACHE_MEMBERS]);
const RESULT_MEMBERS: ReadonlySet<string> = new Set(['type', 'id', 'call_id', 'output', 'status', 'name', ...CACHE_MEMBERS]);

/** A conversation that is being read. Items of the assistant that follow one another are one turn. */
interface Reading {
  readonly conversation: Conversation;
  assistant: JsonObject[];
  /** Where the last item of the assistant stands. */
  assistantParam: string;
  readonly scope: TranslationScope;
  readonly searches: boolean;
}

type ReadItem = (reading: Reading, item: JsonObject, param: string) => void;

function endAssistantTurn(reading: Reading): void {
  const { assistant, conversation } = reading;
  reading.assistant = [];
  // Thinking alone is no turn: the upstream refuses one that ends with it.
  if (!assistant.every(isThinkingBlock)) conversation.addAssistant(assistant, reading.assistantParam);
}

function messageBlocks({ scope }: Reading, item: JsonObject, param: string, allowed: ReadonlySet<PartKind>): readonly JsonObject[] {
  return cacheLastBlock(contentBlocks(item['content'], `${param}.content`, allowed, scope), item, param, scope);
}

const readMessage: ReadItem = (reading, item, param) => {
  const role = requireString(item['role'], `${param}.role`);
  reading.scope.ignoreOthers(item, MESSAGE_MEMBERS, 'input');
  switch (role) {
    case 'assistant':
      reading.assistant.push(...messageBlocks(reading, item, param, ASSISTANT_PARTS));
      return;
    case 'user':
      endAssistantTurn(reading);
      reading.conversation.addUser(messageBlocks(reading, item, param, USER_PARTS));
      return;
    case 'system':
    case 'developer':
      endAssistantTurn(reading);
      reading.conversation.addSystem(messageBlocks(reading, item, param, TEXT_ONLY));
      return;
    default: throw invalidValue(`${param}.role`, 'expected user, assistant, system or developer');
  }
};

/** Signed thinking goes back unchanged, where it stood; what another provider sealed, or what came without, cannot be sent. */
const readReasoning: ReadItem = ({ assistant, scope, searches }, item, param) => {
  const blocks = openSealed(member(item, 'encrypted_content'), `${param}.encrypted_content`, scope);
  // What a search found is taken only beside the tool that found it.
  if (blocks.length === 0 || (!searches && !blocks.every(isThinkingBlock))) scope.ignore('input.reasoning');
  else assistant.push(...blocks);
};

function readCall(reading: Reading, item: JsonObject, param: string, input: JsonObject): void {
  const { assistant, scope } = reading;
  reading.assistantParam = param;
  const namespace = member(item, 'namespace');
  const within = namespace === undefined ? undefined : requireString(namespace, `${param}.namespace`);
  scope.ignoreOthers(item, CALL_MEMBERS, 'input');
  assistant.push({
    type: 'tool_use',
    id: translateToolId(item['call_id'], `${param}.call_id`, scope),
    name: requireToolName(flatName(requireString(item['name'], `${param}.name`), within), `${param}.name`),
    input,
    ...scope.cacheControl(item, param),
  });
}

const readResult: ReadItem = (reading, item, param) => {
  const { scope } = reading;
  const id = translateToolId(item['call_id'], `${param}.call_id`, scope);
  scope.ignoreOthers(item, RESULT_MEMBERS, 'input');
  const content = contentBlocks(member(item, 'output') ?? '', `${param}.output`, USER_PARTS, scope);
  endAssistantTurn(reading);
  reading.conversation.addResult({ ...toolResult(id, content), ...scope.cacheControl(item, param) }, `${param}.call_id`);
};

/** Hosted tools of another provider: what they found is in the text that followed, so that a conversation can go on without them. */
const leaveOut: ReadItem = ({ scope }, item) => { scope.ignore(`input.${String(item['type'])}`); };

const refuseReference: ReadItem = (_reading, _item, param) => {
  throw unsupported(param, 'nothing is stored here, so an item cannot be referred to by its id; send the whole items with "store": false (AI SDK: providerOptions.openai.store = false)');
};

const refuseCompaction: ReadItem = (_reading, _item, param) => {
  throw unsupported(`${param}.type`, 'a compacted conversation can be read by the provider alone that compacted it; send the items themselves');
};

/** Every type of item, as the Responses API has them. */
const ITEMS: ReadonlyMap<string, ReadItem> = new Map(Object.entries<ReadItem>({
  message: readMessage,
  reasoning: readReasoning,
  function_call: (reading, item, param) => { readCall(reading, item, param, parseArguments(item['arguments'], `${param}.arguments`, 'input.arguments', reading.scope)); },
  custom_tool_call: (reading, item, param) => { readCall(reading, item, param, { [CUSTOM_INPUT]: requireString(item['input'], `${param}.input`) }); },
  function_call_output: readResult,
  custom_tool_call_output: readResult,
  // Its tools are declared with the others.
  additional_tools: () => undefined,
  // What it found is sealed behind it; without that, the text that followed says it.
  web_search_call: (reading, item, param) => { if (!reading.searches) leaveOut(reading, item, param); },
  file_search_call: leaveOut,
  image_generation_call: leaveOut,
  code_interpreter_call: leaveOut,
  tool_search_call: leaveOut,
  tool_search_output: leaveOut,
  mcp_list_tools: leaveOut,
  mcp_call: leaveOut,
  item_reference: refuseReference,
  compaction: refuseCompaction,
  compaction_summary: refuseCompaction,
}));

function readItem(reading: Reading, value: unknown, param: string): void {
  const item = requireObject(value, param);
  // A message may leave its type out.
  const type = member(item, 'type') ?? (member(item, 'role') === undefined ? undefined : 'message');
  const read = ITEMS.get(requireString(type, `${param}.type`));
  if (read === undefined) throw invalidValue(`${param}.type`, `expected one of ${[...ITEMS.keys()].join(', ')}`);
  read(reading, item, param);
}

function addInstructions(conversation: Conversation, request: JsonObject): void {
  const instructions = member(request, 'instructions');
  if (instructions === undefined) return;
  const text = requireString(instructions, 'instructions');
  if (text.trim() !== '') conversation.addSystem([{ type: 'text', text }]);
}

/** Translates `instructions` and `input`: each item in its place, items of the assistant gathered to turns, blank texts left out. */
export function translateInput(request: JsonObject, { searches }: Pick<DeclaredTools, 'searches'>, scope: TranslationScope): TranslatedMessages {
  const input = member(request, 'input');
  const conversation = createConversation(scope);
  addInstructions(conversation, request);
  if (typeof input === 'string') {
    conversation.addUser(contentBlocks(input, 'input', USER_PARTS, scope));
    return conversation.finish();
  }
  if (input === undefined && member(request, 'messages') !== undefined) {
    throw missing('input', 'this is a body of Chat Completions: send it to the path /v1/chat/completions, or set the client to the Responses API');
  }
  if (!Array.isArray(input)) throw invalidType('input', 'a string or an array of items', input);
  const reading: Reading = { conversation, assistant: [], assistantParam: 'input', scope, searches };
  input.forEach((item: unknown, index) => { readItem(reading, item, `input[${index}]`); });
  endAssistantTurn(reading);
  return conversation.finish();
}
