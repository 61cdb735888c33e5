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

export const UTF8_FUNCTION: string = `
;; Whether the 64 bytes from $p continue the UTF-8 before them without a mistake; the last character may be incomplete.
(func $isUtf8 (param $p i32) (result i32)
  (local $v v128) (local $before v128) (local $wrong v128) (local $stop i32)
  (local.set $stop (i32.add (local.get $p) (i32.const 64)))
  (loop $vector
    (local.set $v (v128.load (local.get $p)))
    (local.set $before (v128.load (i32.sub (local.get $p) (i32.const 1))))
    (local.set $wrong (v128.or (local.get $wrong) (v128.xor
      (v128.and
        (v128.and
          (i8x16.swizzle ${vector(FIRST_HIGH)} (i8x16.shr_u (local.get $before) (i32.const 4)))
          (i8x16.swizzle ${vector(FIRST_LOW)} (v128.and (local.get $before) (@bytes:0f))))
        (i8x16.swizzle ${vector(SECOND_HIGH)} (i8x16.shr_u (local.get $v) (i32.const 4))))
      ;; Two continuations in a row are right, and asked for, in the third and fourth place of a long form.
      (v128.and (@bytes:80) (v128.or
        (i8x16.sub_sat_u (v128.load (i32.sub (local.get $p) (i32.const 2))) (@bytes:60))
        (i8x16.sub_sat_u (v128.load (i32.sub (local.get $p) (i32.const 3))) (@bytes:70)))))))
    (br_if $vector (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 16))) (local.get $stop))))
  (i32.eqz (v128.any_true (local.get $wrong))))
`;
