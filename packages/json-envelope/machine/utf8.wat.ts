/**
 * Checks UTF-8 by looking at each byte with the one before it: three small tables, one for each half byte that matters,
 * whose common bits name what is wrong (Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte").
 */
const TOO_SHORT = 1 << 0;
const TOO_LONG = 1 << 1;
const OVERLONG_3 = 1 << 2;
const TOO_LARGE = 1 << 3;
const SURROGATE = 1 << 4;
const OVERLONG_2 = 1 << 5;
const TOO_LARGE_1000 = 1 << 6;
const OVERLONG_4 = 1 << 6;
const TWO_CONTINUATIONS = 1 << 7;
const CARRY = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

const FIRST_HIGH = [
  ...Array.from({ length: 8 }, () => TOO_LONG),
  TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
  TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
];

const FIRST_LOW = [
  CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY, CARRY | TOO_LARGE,
  ...Array.from({ length: 8 }, () => CARRY | TOO_LARGE | TOO_LARGE_1000),
  CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
  CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
];

const TAIL = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
const SECOND_HIGH = [
  ...Array.from({ length: 8 }, () => TOO_SHORT),
  TAIL | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4, TAIL | OVERLONG_3 | TOO_LARGE,
  TAIL | SURROGATE | TOO_LARGE, TAIL | SURROGATE | TOO_LARGE,
  TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
];

const vector = (bytes: readonly number[]): string => `(@vector:${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join()})`;
const load = (at: number, back: number): string => `(v128.load offset=${at + 3 - back} (local.get $p))`;
const highHalf = (name: string): string => `(v128.and (i16x8.shr_u (local.get $${name}) (i32.const 4)) (local.get $low))`;

const checkVector = (at: number): string => `
  (local.set $v ${load(at, 0)})
  (local.set $before ${load(at, 1)})
  (local.set $wrong (v128.or (local.get $wrong) (v128.xor
    (v128.and
      (v128.and
        (i8x16.relaxed_swizzle (local.get $firstHigh) ${highHalf('before')})
        (i8x16.relaxed_swizzle (local.get $firstLow) (v128.and (local.get $before) (local.get $low))))
      (i8x16.relaxed_swizzle (local.get $secondHigh) ${highHalf('v')}))
    (v128.and (local.get $top) (v128.or
      (i8x16.sub_sat_u ${load(at, 2)} (local.get $third))
      (i8x16.sub_sat_u ${load(at, 3)} (local.get $fourth)))))))`;

export const UTF8_FUNCTION: string = `
;; Whether the 64 bytes from $p continue the UTF-8 before them without a mistake; the last character may be incomplete.
(func $isUtf8 (param $p i32) (result i32)
  (local $v v128) (local $before v128) (local $wrong v128)
  (local $firstHigh v128) (local $firstLow v128) (local $secondHigh v128) (local $low v128) (local $top v128)
  (local $third v128) (local $fourth v128)
  (local.set $firstHigh ${vector(FIRST_HIGH)})
  (local.set $firstLow ${vector(FIRST_LOW)})
  (local.set $secondHigh ${vector(SECOND_HIGH)})
  (local.set $low (@bytes:0f))
  ;; Two continuations in a row are wrong by the tables, but right, and required, in the third and fourth place of a
  ;; long form: there the top bit remains of the lead byte two or three places before.
  (local.set $top (@bytes:80))
  (local.set $third (@bytes:60))
  (local.set $fourth (@bytes:70))
  (local.set $p (i32.sub (local.get $p) (i32.const 3)))
  ${[0, 16, 32, 48].map(checkVector).join('')}
  (i32.eqz (v128.any_true (local.get $wrong))))
`;
