import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';

/** What a request refers to by members that an origin may act on, wherever they stand in it. */
export interface NamedMembers {
  /** Every model that is named, `model` included. */
  readonly models: readonly string[];
  /** A member that may choose a model and whose value cannot be read as one. */
  readonly unreadable: string | undefined;
  /** A member that names a file which the origin keeps. */
  readonly file: string | undefined;
  /** A member that names something else which the origin keeps: an answer, a conversation, a store. */
  readonly state: string | undefined;
}

// Without case, as Go's and .NET's readers compare names; `u` folds U+017F into an s, as Go does.
const MODEL = /^(?:models?|fallback_models?|model_?(?:id|name)|engine|deployment(?:_?id)?)$/iu;
/** Lists of models in shapes of their own (LiteLLM's are keyed by model), and names that stand for a model and more (OpenRouter's presets). */
const MODEL_CHOICE = /^(?:\w*_?fallbacks?(?:_dict)?|preset)$/iu;
const FILE = /(?:^|_)file_?ids?$/iu;
const STATE = /^(?:previous_response|response|conversation|vector_store|container|assistant|thread|skill|video)_?ids?$/iu;
const STATE_OBJECT = /^(?:conversation|prompt)$/iu;
const CONTAINER = /^container$/iu;
const TYPE = /^type$/iu;
const ITEM_REFERENCE = 'item_reference';

/** Most names are none of the above: one look decides. */
const WATCHED = /model|engine|deployment|fallback|preset|ids?$|conversation|prompt|container|type/iu;

/** Whatever the client notes there is for itself; no origin acts on it. */
const NOTES = 'metadata';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/** The longest name in the lists above, with every character written as an escape, is shorter. */
const LONGEST_NAME_BYTES = 256;
const NUL_ESCAPE = Buffer.from('\\u0000');

const MAX_MODELS = 64;
const LONGEST_MODEL_BYTES = 1024;

/** What one turn of the event loop may cost, in bytes looked at; a search for the end of a string counts as many. */
const COST_PER_TURN = 1024 * 1024;
const COST_OF_A_SEARCH = 64;

/**
 * Finds the members of a JSON text that an origin may act on, at every depth and every time they stand there: readers disagree on which of
 * two equal names wins, and on whether case matters. The text must be valid JSON. Other work has its turn in between.
 */
export async function findNamedMembers(json: Uint8Array): Promise<NamedMembers> {
  const scan = new NameScan(Buffer.from(json.buffer, json.byteOffset, json.byteLength));
  while (!scan.run(COST_PER_TURN)) await setImmediate();
  return scan.found();
}

class NameScan {
  readonly #json: Buffer;
  readonly #models = new Set<string>();
  #unreadable: string | undefined;
  #file: string | undefined;
  #state: string | undefined;
  #index = 0;
  /** Where the string that is being read began, or -1 between strings. */
  #stringStart = -1;
  #depth = 0;
  /** The depth at which notes ended, or -1 outside of them. */
  #notesDepth = -1;

  constructor(json: Buffer) {
    this.#json = json;
  }

  found(): NamedMembers {
    return { models: [...this.#models], unreadable: this.#unreadable, file: this.#file, state: this.#state };
  }

  /** Goes on for so much; whether the text is at its end. */
  run(budget: number): boolean {
    const json = this.#json;
    for (let cost = 0; this.#index < json.length; ) {
      if (cost >= budget) return false;
      if (this.#stringStart === -1) {
        cost += 1;
        this.#see(json[this.#index] ?? 0);
      } else {
        cost += COST_OF_A_SEARCH;
        this.#searchEnd();
      }
    }
    return true;
  }

  #see(byte: number): void {
    if (byte === QUOTE) this.#stringStart = this.#index;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#depth -= 1;
      if (this.#depth === this.#notesDepth) this.#notesDepth = -1;
    }
    this.#index += 1;
  }

  #searchEnd(): void {
    const quote = this.#json.indexOf(QUOTE, this.#index);
    if (quote === -1) {
      this.#index = this.#json.length;
      return;
    }
    this.#index = quote + 1;
    if (this.#isEscaped(quote)) return;
    const start = this.#stringStart;
    this.#stringStart = -1;
    const after = this.#skipSpace(this.#index);
    if (this.#json[after] !== COLON) return;
    this.#index = this.#skipSpace(after + 1);
    if (this.#notesDepth === -1) this.#seeMember(start + 1, quote);
  }

  #isEscaped(quote: number): boolean {
    let backslashes = 0;
    while (this.#json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    return backslashes % 2 === 1;
  }

  #skipSpace(from: number): number {
    let index = from;
    while ((this.#json[index] ?? 0xff) <= 0x20) index += 1;
    return index;
  }

  #seeMember(start: number, end: number): void {
    const hasEscape = this.#json.subarray(start, end).includes(BACKSLASH);
    // A reader that works on C strings takes `model\u0000…` for `model`.
    if (hasEscape && this.#json.subarray(start, end).includes(NUL_ESCAPE)) this.#unreadable ??= 'a name with a NUL';
    if (end - start > LONGEST_NAME_BYTES) return;
    const text = this.#json.toString('utf8', start, end);
    const name = hasEscape ? JSON.parse(`"${text}"`) as string : text;
    if (name === NOTES && this.#depth === 1 && this.#json[this.#index] === OPEN_BRACE) this.#notesDepth = 1;
    else if (WATCHED.test(name)) this.#readMember(name);
  }

  #readMember(name: string): void {
    const first = this.#json[this.#index] ?? 0;
    const isText = first === QUOTE;
    const isList = first === OPEN_BRACKET;
    // An object below the root is a schema that describes such a member, or has the member itself inside.
    const isOwnObject = first === OPEN_BRACE && this.#depth === 1;
    if (MODEL.test(name)) {
      if (isText || isList) this.#readModels(name);
    } else if (MODEL_CHOICE.test(name)) {
      if (isText || isList || isOwnObject) this.#unreadable ??= name;
    } else if (FILE.test(name)) {
      if (isText || isList) this.#file ??= name;
    } else if (STATE.test(name)) {
      if (isText || isList) this.#state ??= name;
    } else if (STATE_OBJECT.test(name)) {
      // The prompt of the completions route is a text.
      const isReference = isOwnObject || (isText && this.#depth === 1 && /^c/i.test(name));
      if (isReference) this.#state ??= name;
    } else if (CONTAINER.test(name)) {
      if (isText) this.#state ??= name;
    } else if (TYPE.test(name) && isText && this.#readString(this.#index).value === ITEM_REFERENCE) this.#state ??= ITEM_REFERENCE;
  }

  /** Reads a text or a list of texts. An object in a list has the member inside, and is seen for itself. */
  #readModels(name: string): void {
    if (this.#json[this.#index] === QUOTE) {
      this.#addModel(name, this.#readString(this.#index).value);
      return;
    }
    for (let index = this.#skipSpace(this.#index + 1); this.#json[index] !== CLOSE_BRACKET; index = this.#skipSpace(index)) {
      if (this.#json[index] === COMMA) {
        index += 1;
        continue;
      }
      const { value, end } = this.#json[index] === QUOTE ? this.#readString(index) : UNREADABLE;
      this.#addModel(name, value);
      if (value === undefined) return;
      index = end;
    }
  }

  #addModel(name: string, model: string | undefined): void {
    if (model === undefined || this.#models.size >= MAX_MODELS) this.#unreadable ??= name;
    else this.#models.add(model);
  }

  /** The string at an index, when it is no longer than a model's name can be. */
  #readString(start: number): { readonly value: string | undefined; readonly end: number } {
    let quote = this.#json.indexOf(QUOTE, start + 1);
    while (quote !== -1 && quote - start <= LONGEST_MODEL_BYTES && this.#isEscaped(quote)) quote = this.#json.indexOf(QUOTE, quote + 1);
    if (quote === -1 || quote - start > LONGEST_MODEL_BYTES) return UNREADABLE;
    return { value: JSON.parse(this.#json.toString('utf8', start, quote + 1)) as string, end: quote + 1 };
  }
}

const UNREADABLE = { value: undefined, end: 0 };
