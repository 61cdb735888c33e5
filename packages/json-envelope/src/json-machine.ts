import { EnvelopeError } from './envelope-error.ts';
import type { MemberCollector } from './member-collector.ts';

type State = (byte: number) => void;

const WHITESPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const SIMPLE_ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const LITERALS = new Map([[0x74, 'true'], [0x66, 'false'], [0x6e, 'null']]);

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHexDigit = (byte: number): boolean => isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

/** The grammar of RFC 8259, one byte at a time. */
export class JsonMachine {
  offset = 0;
  readonly #collector: MemberCollector;
  readonly #maxDepth: number;
  readonly #stack: boolean[] = [];
  #state: State;
  #isKey = false;
  #hexLeft = 0;
  #literal = '';
  #literalAt = 0;
  #utf8Left = 0;
  #utf8Low = 0x80;
  #utf8High = 0xbf;

  constructor(collector: MemberCollector, maxDepth: number) {
    this.#collector = collector;
    this.#maxDepth = maxDepth;
    this.#state = this.#value;
  }

  scan(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] ?? 0;
      this.#state(byte);
      this.#collector.byte(byte);
      this.offset += 1;
    }
  }

  end(): void {
    if (this.#state === this.#zero || this.#state === this.#integer || this.#state === this.#fraction || this.#state === this.#exponent) {
      this.#after();
    }
    if (this.#state !== this.#done) this.#fail('the text ends too early');
  }

  #fail(reason: string): never {
    throw new EnvelopeError('invalid_json', this.offset, reason);
  }

  #after(): void {
    this.#collector.valueEnd();
    this.#state = this.#stack.length === 0 ? this.#done : this.#comma;
  }

  readonly #done: State = (byte) => {
    if (!WHITESPACE.has(byte)) this.#fail('something follows the value');
  };

  readonly #comma: State = (byte) => {
    if (WHITESPACE.has(byte)) return;
    const isObject = this.#stack.at(-1);
    if (byte === 0x2c) this.#state = isObject ? this.#key : this.#value;
    else if (byte === (isObject ? 0x7d : 0x5d)) this.#close();
    else this.#fail('expected a comma or the end of the container');
  };

  readonly #firstKey: State = (byte) => (byte === 0x7d ? this.#close() : this.#key(byte));

  readonly #key: State = (byte) => {
    if (byte === 0x22) {
      this.#isKey = true;
      this.#state = this.#string;
      this.#collector.keyStart();
    } else if (!WHITESPACE.has(byte)) this.#fail('expected a member name');
    else if (this.#state === this.#firstKey) return;
  };

  readonly #colon: State = (byte) => {
    if (byte === 0x3a) this.#state = this.#value;
    else if (!WHITESPACE.has(byte)) this.#fail('expected a colon');
  };

  readonly #firstValue: State = (byte) => (byte === 0x5d ? this.#close() : this.#value(byte));

  readonly #value: State = (byte) => {
    if (WHITESPACE.has(byte)) return;
    this.#state = this.#stateOf(byte);
    this.#collector.valueStart(byte, this.#stack.length);
    if (byte === 0x7b || byte === 0x5b) this.#open(byte === 0x7b);
  };

  #stateOf(byte: number): State {
    if (byte === 0x22) {
      this.#isKey = false;
      return this.#string;
    }
    if (byte === 0x7b) return this.#firstKey;
    if (byte === 0x5b) return this.#firstValue;
    if (byte === 0x2d) return this.#minus;
    if (byte === 0x30) return this.#zero;
    if (isDigit(byte)) return this.#integer;
    const literal = LITERALS.get(byte);
    if (literal === undefined) return this.#fail('expected a value');
    this.#literal = literal;
    this.#literalAt = 1;
    return this.#literalRest;
  }

  #open(isObject: boolean): void {
    if (this.#stack.length === this.#maxDepth) throw new EnvelopeError('too_deep', this.offset, 'containers are nested too deep');
    this.#stack.push(isObject);
    this.#collector.open(isObject, this.#stack.length);
  }

  #close(): void {
    this.#stack.pop();
    this.#collector.close(this.#stack.length);
    this.#state = this.#stack.length === 0 ? this.#done : this.#comma;
  }

  readonly #literalRest: State = (byte) => {
    if (byte !== this.#literal.charCodeAt(this.#literalAt)) this.#fail('expected true, false or null');
    this.#literalAt += 1;
    if (this.#literalAt < this.#literal.length) return;
    this.#collector.byte(byte);
    this.#after();
  };

  readonly #minus: State = (byte) => {
    if (!isDigit(byte)) this.#fail('expected a digit');
    this.#state = byte === 0x30 ? this.#zero : this.#integer;
  };
  readonly #zero: State = (byte) => this.#afterInteger(byte);
  readonly #integer: State = (byte) => {
    if (!isDigit(byte)) this.#afterInteger(byte);
  };
  #afterInteger(byte: number): void {
    if (byte === 0x2e) this.#state = this.#point;
    else this.#beforeExponent(byte);
  }
  readonly #point: State = (byte) => {
    if (!isDigit(byte)) this.#fail('expected a digit');
    this.#state = this.#fraction;
  };
  readonly #fraction: State = (byte) => {
    if (!isDigit(byte)) this.#beforeExponent(byte);
  };
  #beforeExponent(byte: number): void {
    if ((byte | 0x20) === 0x65) this.#state = this.#exponentSign;
    else this.#endNumber(byte);
  }
  readonly #exponentSign: State = (byte) => {
    if (byte === 0x2b || byte === 0x2d) this.#state = this.#exponentFirst;
    else this.#exponentFirst(byte);
  };
  readonly #exponentFirst: State = (byte) => {
    if (!isDigit(byte)) this.#fail('expected a digit');
    this.#state = this.#exponent;
  };
  readonly #exponent: State = (byte) => {
    if (!isDigit(byte)) this.#endNumber(byte);
  };
  #endNumber(byte: number): void {
    this.#after();
    this.#state(byte);
  }

  readonly #string: State = (byte) => {
    if (byte === 0x22) {
      if (this.#isKey) {
        this.#collector.keyEnd();
        this.#state = this.#colon;
      } else {
        this.#collector.byte(byte);
        this.#after();
      }
    } else if (byte === 0x5c) this.#state = this.#escape;
    else if (byte < 0x20) this.#fail('a control character stands in a string');
    else if (byte >= 0x80) this.#utf8Lead(byte);
  };
  readonly #escape: State = (byte) => {
    if (byte === 0x75) {
      this.#hexLeft = 4;
      this.#state = this.#hex;
    } else if (SIMPLE_ESCAPES.has(byte)) this.#state = this.#string;
    else this.#fail('no such escape');
  };
  readonly #hex: State = (byte) => {
    if (!isHexDigit(byte)) this.#fail('expected a hexadecimal digit');
    this.#hexLeft -= 1;
    if (this.#hexLeft === 0) this.#state = this.#string;
  };

  /** RFC 3629 section 4: the second byte of E0, ED, F0 and F4 is narrower, against overlong forms and surrogates. */
  #utf8Lead(byte: number): void {
    if (byte < 0xc2 || byte > 0xf4) this.#failUtf8();
    this.#utf8Left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#utf8Low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#utf8High = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    this.#state = this.#utf8;
  }
  readonly #utf8: State = (byte) => {
    if (byte < this.#utf8Low || byte > this.#utf8High) this.#failUtf8();
    this.#utf8Low = 0x80;
    this.#utf8High = 0xbf;
    this.#utf8Left -= 1;
    if (this.#utf8Left === 0) this.#state = this.#string;
  };
  #failUtf8(): never {
    throw new EnvelopeError('invalid_utf8', this.offset, 'the text is not valid UTF-8');
  }
}
