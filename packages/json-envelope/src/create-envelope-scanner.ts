import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { EnvelopeError } from './envelope-error.ts';
import type { Envelope, RootKind } from './envelope.ts';
import { resolveOptions, type EnvelopeScannerOptions, type ResolvedOptions } from './envelope-options.ts';
import { HAS_MACHINE, JsonMachine, type Refusal, type TextMachine } from './json-machine.ts';
import { PlainMachine } from './plain-machine.ts';
import { layOutRules, type MemberRules } from './member-rules.ts';
import { MemberValues } from './member-values.ts';

/** Checks one JSON text as its chunks arrive. */
export interface EnvelopeScanner {
  /**
   * Takes the next chunk; it is read now and not kept.
   *
   * @throws EnvelopeError as soon as the text cannot become acceptable, and again at every later call
   * @throws TypeError when the chunk is not bytes or the text has ended
   */
  write(chunk: Uint8Array): void;
  /**
   * Ends the text and tells what it said.
   *
   * @throws EnvelopeError when the text is not complete or was refused before
   */
  end(): Envelope;
}

interface Plan {
  readonly options: ResolvedOptions;
  readonly rules: MemberRules;
}

const NO_OPTIONS: EnvelopeScannerOptions = Object.freeze({});
const plans = new WeakMap<EnvelopeScannerOptions, Plan>();

/**
 * Creates a scanner for one JSON text (RFC 8259, UTF-8, no byte order mark). An options object is checked when it is
 * first used; give the same one for each text and it is not looked at again.
 *
 * @throws EnvelopeOptionError when an option is unknown or out of range
 */
export function createEnvelopeScanner(options: EnvelopeScannerOptions = NO_OPTIONS): EnvelopeScanner {
  let plan = plans.get(options);
  if (plan === undefined) {
    const resolved = resolveOptions(options);
    plan = { options: resolved, rules: layOutRules(resolved) };
    plans.set(options, plan);
  }
  return new TextScanner(plan);
}

const REASONS: Readonly<Record<Refusal, string>> = {
  invalid_json: 'the text is not valid JSON',
  invalid_utf8: 'the text is not valid UTF-8',
  too_deep: 'objects and arrays are nested too deep',
};

class TextScanner implements EnvelopeScanner {
  readonly #plan: Plan;
  readonly #values: MemberValues;
  readonly #machine: TextMachine;
  #error: EnvelopeError | undefined;
  #envelope: Envelope | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#values = new MemberValues(plan.rules.paths, plan.options);
    this.#machine = plan.options.plain || !HAS_MACHINE ? new PlainMachine(plan.rules, this.#values) : new JsonMachine(plan.rules, this.#values);
  }

  write(chunk: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error;
    if (this.#envelope !== undefined) throw new TypeError('write() was called after end()');
    if (!types.isUint8Array(chunk)) throw new TypeError(`chunk must be a Uint8Array, received ${typeof chunk}`);
    const room = this.#plan.options.maxBytes - this.#machine.offset;
    // What is within the limit is scanned first: how the text is cut makes no difference to what is found wrong.
    const refusal = this.#machine.take(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (refusal !== undefined) this.#refuse(refusal, REASONS[refusal]);
    if (chunk.length > room) this.#refuse('too_large', 'the text is too large');
  }

  end(): Envelope {
    if (this.#error !== undefined) throw this.#error;
    if (this.#envelope !== undefined) return this.#envelope;
    const refusal = this.#machine.finish();
    if (refusal !== undefined) this.#refuse(refusal, 'the text ends too early');
    const { rootByte, duplicateBits, overflowBits } = this.#machine.summary();
    this.#machine.release();
    const { labels, paths } = this.#plan.rules;
    this.#envelope = {
      root: rootKind(rootByte),
      members: this.#values.byPath,
      duplicates: chosen(labels, duplicateBits),
      overflowed: chosen(paths, overflowBits),
      byteLength: this.#machine.offset,
    };
    return this.#envelope;
  }

  #refuse(code: EnvelopeError['code'], reason: string): never {
    this.#machine.release();
    this.#error = new EnvelopeError(code, this.#machine.offset, reason);
    throw this.#error;
  }
}

function chosen(names: readonly string[], bits: number): readonly string[] {
  return bits === 0 ? [] : names.filter((_, index) => ((bits >>> index) & 1) === 1);
}

function rootKind(firstByte: number): RootKind {
  switch (firstByte) {
    case 0x7b:
      return 'object';
    case 0x5b:
      return 'array';
    case 0x22:
      return 'string';
    case 0x74:
    case 0x66:
      return 'boolean';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}

/** Engines compile a function when it is first called: once here, rather than in the first request. */
function warmUp(): void {
  const scanner = createEnvelopeScanner({ members: ['list[].name'] });
  scanner.write(Buffer.from(`{ "list": [{"\\u006eame": "${'text \u00e9 \\u00e9 \\n'.repeat(10)}"}, 1.5, true]}`));
  scanner.end();
}

warmUp();
