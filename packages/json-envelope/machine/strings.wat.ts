const LANES = [0, 1, 2, 3] as const;

/** The bits of one test on each of a block's 64 bytes; `test` writes the test of one vector. */
function bitsOf(test: (lane: number) => string): string {
  const [a, b, c, d] = LANES.map((lane) => {
    const bits = `(i64.extend_i32_u (i8x16.bitmask ${test(lane)}))`;
    return lane === 0 ? bits : `(i64.shl ${bits} (i64.const ${lane * 16}))`;
  });
  return `(i64.or (i64.or ${a} ${b}) (i64.or ${c} ${d}))`;
}

const each = (write: (lane: number) => string): string => LANES.map(write).join('\n      ');
const any = (name: string): string =>
  `(v128.or (v128.or (local.get $${name}0) (local.get $${name}1)) (v128.or (local.get $${name}2) (local.get $${name}3)))`;
const locals = (name: string): string => LANES.map((lane) => `(local $${name}${lane} v128)`).join(' ');

/**
 * Passes over the inside of strings 64 bytes at a time. A block is one step whether it holds escapes or not: they are
 * found with the carry arithmetic of simdjson (Langdale and Lemire, "Parsing gigabytes of JSON per second", section
 * 3.1.1) and checked all at once. Whatever a block does not take is left to the table, byte by byte, which alone
 * refuses.
 */
export const STRING_FUNCTIONS: string = `
;; Passes over bytes that keep the state "string"; stops at one that does not, or that the table has to judge.
(func $skipString (param $p i32) (param $end i32) (result i32)
  ${locals('v')} ${locals('s')} ${locals('b')}
  (local $two v128) (local $limit v128) (local $slash v128) (local $low v128) (local $escapes v128) (local $vectorBits i32)
  (local $backslash i64) (local $special i64) (local $escaped i64) (local $series i64)
  (local $stop i64) (local $odd i64) (local $byte i32) (local $at i32)
  ;; 1 when the block before ended in a backslash that escapes this block's first byte.
  (local $carry i64)
  ;; Bits of the last three bytes of the block before, where they are from 0x80: a character may not be complete.
  (local $open i64)
  (local $lastBlock i32)
  (local.set $lastBlock (i32.sub (local.get $end) (i32.const 64)))
  (local.set $two (@bytes:02))
  (local.set $limit (@bytes:21))
  (local.set $slash (@bytes:5c))
  (local.set $low (@bytes:0f))
  (local.set $escapes (@vector:01,00,22,00,74,00,66,00,00,00,00,00,5c,00,6e,2f))
  (block $rest
    (loop $block
      (br_if $rest (i32.gt_s (local.get $p) (local.get $lastBlock)))
      ${each((lane) => `(local.set $v${lane} (v128.load offset=${lane * 16} (local.get $p)))`)}
      ;; With bit 1 flipped, the quote and all controls are below 0x21, and as signed numbers so is all from 0x80.
      ${each((lane) => `(local.set $s${lane} (i8x16.lt_s (v128.xor (local.get $v${lane}) (local.get $two)) (local.get $limit)))`)}
      ${each((lane) => `(local.set $b${lane} (i8x16.eq (local.get $v${lane}) (local.get $slash)))`)}
      (if (i32.eqz (v128.any_true (v128.or ${any('s')} ${any('b')})))
        (then
          (if (i64.eqz (i64.or (local.get $carry) (local.get $open)))
            (then
              (local.set $p (i32.add (local.get $p) (i32.const 64)))
              (br $block)))))
      (local.set $special ${bitsOf((lane) => `(local.get $s${lane})`)})
      (local.set $backslash ${bitsOf((lane) => `(local.get $b${lane})`)})

      (if (i64.ne (i64.or (i64.extend_i32_u (i8x16.bitmask ${any('v')})) (local.get $open)) (i64.const 0))
        (then
          (br_if $rest (i32.eqz (call $isUtf8 (local.get $p))))
          (local.set $special
            (i64.and (local.get $special) (i64.xor (i64.const -1) ${bitsOf((lane) => `(local.get $v${lane})`)})))
          (local.set $open (i64.extend_i32_u (i32.shr_u (i8x16.bitmask (local.get $v3)) (i32.const 13))))))

      ;; A series of backslashes escapes every other byte from its second on: the subtraction runs along each series.
      (local.set $series (i64.and (local.get $backslash) (i64.xor (local.get $carry) (i64.const -1))))
      (local.set $odd (i64.or (i64.shl (local.get $series) (i64.const 1)) (i64.const 0xaaaaaaaaaaaaaaaa)))
      (local.set $odd (i64.xor (i64.sub (local.get $odd) (local.get $series)) (i64.const 0xaaaaaaaaaaaaaaaa)))
      (local.set $escaped (i64.xor (local.get $odd) (i64.or (local.get $backslash) (local.get $carry))))
      (local.set $stop (i64.and (local.get $special) (i64.xor (local.get $escaped) (i64.const -1))))

      ;; Escaped bytes up to the stop that are not one of " / \\ f n t. The low half of a byte finds the one such
      ;; byte that has it.
      (local.set $odd (i64.and
        (i64.and (local.get $escaped) (i64.xor (local.get $stop) (i64.sub (local.get $stop) (i64.const 1))))
        (i64.xor (i64.const -1) ${bitsOf(
          (lane) => `(i8x16.eq (local.get $v${lane})
          (i8x16.relaxed_swizzle (local.get $escapes) (v128.and (local.get $v${lane}) (local.get $low))))`,
        )})))
      (block $judged
        (loop $next
          (br_if $judged (i64.eqz (local.get $odd)))
          (local.set $at (i32.add (local.get $p) (i32.wrap_i64 (i64.ctz (local.get $odd)))))
          (local.set $byte (i32.load8_u (local.get $at)))
          (local.set $odd (i64.and (local.get $odd) (i64.sub (local.get $odd) (i64.const 1))))
          (br_if $next (i32.or
            (i32.eq (local.get $byte) (i32.const 0x62)) (i32.eq (local.get $byte) (i32.const 0x72))))
          (if (i32.and (i32.eq (local.get $byte) (i32.const 0x75))
                (i32.lt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)))
            (then (br_if $next (call $isHex4 (local.get $at)))))
          ;; Not an escape, or not all here: the table starts over at its backslash.
          (return (i32.sub (local.get $at) (i32.const 1))))
        (unreachable))
      (if (i64.ne (local.get $stop) (i64.const 0))
        (then (return (i32.add (local.get $p) (i32.wrap_i64 (i64.ctz (local.get $stop)))))))

      ;; The last byte begins an escape when it is a backslash that is not itself escaped.
      (local.set $carry (i64.shr_u
        (i64.and (local.get $backslash) (i64.xor (local.get $escaped) (i64.const -1))) (i64.const 63)))
      (local.set $p (i32.add (local.get $p) (i32.const 64)))
      (br $block)))

  ;; The table starts over at an escape or character that is not complete.
  (if (i64.ne (local.get $carry) (i64.const 0))
    (then (local.set $p (i32.sub (local.get $p) (i32.const 1))))
    (else
      (if (i64.ne (local.get $open) (i64.const 0))
        (then (local.set $p (call $characterStart (local.get $p)))))))

  (loop $vector
    (local.set $v0 (v128.load (local.get $p)))
    (local.set $vectorBits (i8x16.bitmask (v128.or
      (i8x16.lt_s (v128.xor (local.get $v0) (local.get $two)) (local.get $limit))
      (i8x16.eq (local.get $v0) (local.get $slash)))))
    (local.set $p (i32.add (local.get $p) (i32.ctz (i32.or (local.get $vectorBits) (i32.const 0x10000)))))
    (br_if $vector (i32.and (i32.eqz (local.get $vectorBits)) (i32.lt_u (local.get $p) (local.get $end)))))
  (local.get $p))

;; Whether the "u" at $at has its four hexadecimal digits.
(func $isHex4 (param $at i32) (result i32)
  (i32.and
    (i32.and (call $isHex (i32.load8_u offset=1 (local.get $at))) (call $isHex (i32.load8_u offset=2 (local.get $at))))
    (i32.and (call $isHex (i32.load8_u offset=3 (local.get $at))) (call $isHex (i32.load8_u offset=4 (local.get $at))))))

(func $isHex (param $byte i32) (result i32)
  (i32.eq (i32.load8_u offset=@hexTransitions (local.get $byte)) (@GRAMMAR.string)))

;; Where the incomplete character before $p begins, else $p.
(func $characterStart (param $p i32) (result i32)
  (if (i32.ge_u (i32.load8_u (i32.sub (local.get $p) (i32.const 1))) (i32.const 0xc0))
    (then (return (i32.sub (local.get $p) (i32.const 1)))))
  (if (i32.ge_u (i32.load8_u (i32.sub (local.get $p) (i32.const 2))) (i32.const 0xe0))
    (then (return (i32.sub (local.get $p) (i32.const 2)))))
  (if (i32.ge_u (i32.load8_u (i32.sub (local.get $p) (i32.const 3))) (i32.const 0xf0))
    (then (return (i32.sub (local.get $p) (i32.const 3)))))
  (local.get $p))

;; Passes over space between tokens: the low half of a byte finds the one kind of space that has it.
(func $skipSpaces (param $p i32) (param $end i32) (result i32)
  (local $v v128) (local $tokens i32)
  (loop $vector
    (local.set $v (v128.load (local.get $p)))
    (local.set $tokens (i32.xor (i32.const 0x1ffff) (i8x16.bitmask (i8x16.eq (local.get $v)
      (i8x16.relaxed_swizzle (@vector:20,00,00,00,00,00,00,00,00,09,0a,00,00,0d,00,00) (v128.and (local.get $v) (@bytes:0f)))))))
    (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $tokens))))
    (br_if $vector (i32.and (i32.eq (local.get $tokens) (i32.const 0x10000)) (i32.lt_u (local.get $p) (local.get $end)))))
  (local.get $p))
`;
