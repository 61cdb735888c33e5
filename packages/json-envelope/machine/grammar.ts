/** States in which one more byte is looked up in the table. */
const STATES = [
  'done', 'value', 'arrayStart', 'objectStart', 'name', 'colon', 'afterMember', 'afterElement', 'scalar',
  'string', 'escape', 'hex4', 'hex3', 'hex2', 'hex1',
  'tail1', 'tail2', 'tail3', 'afterE0', 'afterED', 'afterF0', 'afterF4',
  'minus', 'zero', 'integer', 'point', 'fraction', 'exponentMark', 'exponentSign', 'exponent',
  't', 'tr', 'tru', 'f', 'fa', 'fal', 'fals', 'n', 'nu', 'nul',
] as const;

/** What is more than a change of state. */
const ACTIONS = [
  'skipSpace', 'openObject', 'openArray', 'close', 'startName', 'startString', 'endString', 'startScalar', 'endLiteral',
  'endNumber', 'failJson', 'failUtf8',
] as const;

type State = (typeof STATES)[number];
type Action = (typeof ACTIONS)[number];
type Rule = readonly [bytes: readonly number[], next: State | Action];

/** Actions are numbered from here. */
export const FIRST_ACTION = 64;

/** The number of each state and action. */
export const NUMBERS: ReadonlyMap<State | Action, number> = new Map<State | Action, number>([
  ...STATES.map((name, index) => [name, index] as const),
  ...ACTIONS.map((name, index) => [name, FIRST_ACTION + index] as const),
]);

const of = (characters: string): readonly number[] => [...Buffer.from(characters)];
const range = (first: number, last: number): readonly number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

const SPACE: Rule = [of(' \t\n\r'), 'skipSpace'];
const DIGITS = of('0123456789');
const HEX_DIGITS = of('0123456789abcdefABCDEF');
const TAIL = range(0x80, 0xbf);

const VALUE: readonly Rule[] = [
  SPACE, [of('{'), 'openObject'], [of('['), 'openArray'], [of('"'), 'startString'], [of('-0123456789tfn'), 'startScalar'],
];

/** A number ends at the first byte that is not part of it; whether that byte may stand there is the next state's matter. */
const NUMBER_END: Rule = [range(0, 255), 'endNumber'];
const EXPONENT: Rule = [of('eE'), 'exponentMark'];

/** RFC 8259 sections 2 to 7 and RFC 3629 section 4; for each byte the first rule that names it holds, else it is refused. */
const GRAMMAR: Readonly<Record<State, readonly Rule[]>> = {
  value: VALUE,
  arrayStart: [[of(']'), 'close'], ...VALUE],
  objectStart: [[of('}'), 'close'], SPACE, [of('"'), 'startName']],
  name: [SPACE, [of('"'), 'startName']],
  colon: [SPACE, [of(':'), 'value']],
  afterMember: [SPACE, [of(','), 'name'], [of('}'), 'close']],
  afterElement: [SPACE, [of(','), 'value'], [of(']'), 'close']],
  done: [SPACE],
  // Where startScalar looks its byte up again.
  scalar: [[of('-'), 'minus'], [of('0'), 'zero'], [DIGITS, 'integer'], [of('t'), 't'], [of('f'), 'f'], [of('n'), 'n']],

  string: [
    [of('"'), 'endString'], [of('\\'), 'escape'], [range(0x20, 0x7f), 'string'],
    [range(0xc2, 0xdf), 'tail1'], [[0xe0], 'afterE0'], [[0xed], 'afterED'], [range(0xe1, 0xef), 'tail2'],
    [[0xf0], 'afterF0'], [range(0xf1, 0xf3), 'tail3'], [[0xf4], 'afterF4'], [range(0x80, 0xff), 'failUtf8'],
  ],
  escape: [[of('"\\/bfnrt'), 'string'], [of('u'), 'hex4']],
  hex4: [[HEX_DIGITS, 'hex3']],
  hex3: [[HEX_DIGITS, 'hex2']],
  hex2: [[HEX_DIGITS, 'hex1']],
  hex1: [[HEX_DIGITS, 'string']],

  tail1: utf8([TAIL, 'string']),
  tail2: utf8([TAIL, 'tail1']),
  tail3: utf8([TAIL, 'tail2']),
  afterE0: utf8([range(0xa0, 0xbf), 'tail1']), // lower would be overlong
  afterED: utf8([range(0x80, 0x9f), 'tail1']), // higher would be a surrogate
  afterF0: utf8([range(0x90, 0xbf), 'tail2']), // lower would be overlong
  afterF4: utf8([range(0x80, 0x8f), 'tail2']), // higher would be over U+10FFFF

  minus: [[of('0'), 'zero'], [DIGITS, 'integer']],
  zero: [[of('.'), 'point'], EXPONENT, NUMBER_END],
  integer: [[DIGITS, 'integer'], [of('.'), 'point'], EXPONENT, NUMBER_END],
  point: [[DIGITS, 'fraction']],
  fraction: [[DIGITS, 'fraction'], EXPONENT, NUMBER_END],
  exponentMark: [[of('+-'), 'exponentSign'], [DIGITS, 'exponent']],
  exponentSign: [[DIGITS, 'exponent']],
  exponent: [[DIGITS, 'exponent'], NUMBER_END],

  t: [[of('r'), 'tr']],
  tr: [[of('u'), 'tru']],
  tru: [[of('e'), 'endLiteral']],
  f: [[of('a'), 'fa']],
  fa: [[of('l'), 'fal']],
  fal: [[of('s'), 'fals']],
  fals: [[of('e'), 'endLiteral']],
  n: [[of('u'), 'nu']],
  nu: [[of('l'), 'nul']],
  nul: [[of('l'), 'endLiteral']],
};

/** The grammar as bytes: for each state 256 bytes, each the number of the next state or of an action. */
export function transitionTable(): Uint8Array {
  const table = new Uint8Array(STATES.length * 256).fill(numberOf('failJson'));
  for (const state of STATES) {
    for (const [bytes, next] of GRAMMAR[state].toReversed()) {
      for (const byte of bytes) table[numberOf(state) * 256 + byte] = numberOf(next);
    }
  }
  return table;
}

function utf8(rule: Rule): readonly Rule[] {
  return [rule, [range(0, 255), 'failUtf8']];
}

function numberOf(next: State | Action): number {
  const number = NUMBERS.get(next);
  if (number === undefined) throw new Error(`no state or action is named ${next}`);
  return number;
}

