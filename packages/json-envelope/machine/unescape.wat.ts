/** Writes a name without its escapes, so that every spelling of it compares equal. */
export const UNESCAPE_FUNCTIONS: string = `
;; Decodes the name from $p to $stop into the scratch area; tells where it ends there. The grammar has checked it.
(func $unescape (param $p i32) (param $stop i32) (result i32)
  (local $to i32) (local $byte i32) (local $unit i32) (local $low i32)
  (local.set $to (@scratch))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $p) (local.get $stop)))
      (local.set $byte (i32.load8_u (local.get $p)))
      (if (i32.ne (local.get $byte) (i32.const 0x5c))
        (then
          (i32.store8 (local.get $to) (local.get $byte))
          (local.set $to (i32.add (local.get $to) (i32.const 1)))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $next)))
      (local.set $byte (i32.load8_u offset=1 (local.get $p)))
      (if (i32.ne (local.get $byte) (i32.const 0x75))
        (then
          (i32.store8 (local.get $to) (call $escaped (local.get $byte)))
          (local.set $to (i32.add (local.get $to) (i32.const 1)))
          (local.set $p (i32.add (local.get $p) (i32.const 2)))
          (br $next)))
      (local.set $unit (call $hex4 (i32.add (local.get $p) (i32.const 2))))
      (local.set $p (i32.add (local.get $p) (i32.const 6)))
      ;; A high surrogate and the low one after it are one character; one that is alone equals no chosen name.
      (if (i32.eq (i32.and (local.get $unit) (i32.const 0xfc00)) (i32.const 0xd800))
        (then (if (i32.and
          (i32.le_u (i32.add (local.get $p) (i32.const 6)) (local.get $stop))
          (i32.eq (i32.load16_u (local.get $p)) (i32.const 0x755c)))
          (then
            (local.set $low (call $hex4 (i32.add (local.get $p) (i32.const 2))))
            (if (i32.eq (i32.and (local.get $low) (i32.const 0xfc00)) (i32.const 0xdc00))
              (then
                (local.set $p (i32.add (local.get $p) (i32.const 6)))
                (local.set $unit (i32.add
                  (i32.shl (i32.sub (local.get $unit) (i32.const 0xd7c0)) (i32.const 10))
                  (i32.and (local.get $low) (i32.const 0x3ff))))))))))
      (local.set $to (call $putCharacter (local.get $to) (local.get $unit)))
      (br $next)))
  (local.get $to))

;; What a one-letter escape stands for.
(func $escaped (param $letter i32) (result i32)
  (if (i32.eq (local.get $letter) (i32.const 0x62)) (then (return (i32.const 0x08))))
  (if (i32.eq (local.get $letter) (i32.const 0x66)) (then (return (i32.const 0x0c))))
  (if (i32.eq (local.get $letter) (i32.const 0x6e)) (then (return (i32.const 0x0a))))
  (if (i32.eq (local.get $letter) (i32.const 0x72)) (then (return (i32.const 0x0d))))
  (if (i32.eq (local.get $letter) (i32.const 0x74)) (then (return (i32.const 0x09))))
  (local.get $letter))

;; The number that four hexadecimal digits spell.
(func $hex4 (param $p i32) (result i32)
  (local $value i32) (local $stop i32) (local $byte i32)
  (local.set $stop (i32.add (local.get $p) (i32.const 4)))
  (loop $digit
    (local.set $byte (i32.load8_u (local.get $p)))
    (local.set $value (i32.or
      (i32.shl (local.get $value) (i32.const 4))
      (i32.add (i32.and (local.get $byte) (i32.const 0x0f))
        (i32.mul (i32.shr_u (local.get $byte) (i32.const 6)) (i32.const 9)))))
    (br_if $digit (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1))) (local.get $stop))))
  (local.get $value))

;; Writes a character as UTF-8; tells where the next one goes.
(func $putCharacter (param $to i32) (param $character i32) (result i32)
  (if (i32.lt_u (local.get $character) (i32.const 0x80))
    (then
      (i32.store8 (local.get $to) (local.get $character))
      (return (i32.add (local.get $to) (i32.const 1)))))
  (if (i32.lt_u (local.get $character) (i32.const 0x800))
    (then
      (i32.store8 (local.get $to) (i32.or (i32.const 0xc0) (i32.shr_u (local.get $character) (i32.const 6))))
      (return (call $putTail (i32.add (local.get $to) (i32.const 1)) (local.get $character)))))
  (if (i32.lt_u (local.get $character) (i32.const 0x10000))
    (then (i32.store8 (local.get $to) (i32.or (i32.const 0xe0) (i32.shr_u (local.get $character) (i32.const 12)))))
    (else
      (i32.store8 (local.get $to) (i32.or (i32.const 0xf0) (i32.shr_u (local.get $character) (i32.const 18))))
      (local.set $to (call $putTail (i32.add (local.get $to) (i32.const 1))
        (i32.shr_u (local.get $character) (i32.const 12))))
      (local.set $to (i32.sub (local.get $to) (i32.const 1)))))
  (call $putTail
    (call $putTail (i32.add (local.get $to) (i32.const 1)) (i32.shr_u (local.get $character) (i32.const 6)))
    (local.get $character)))

;; Writes the low six bits as a continuation byte.
(func $putTail (param $to i32) (param $bits i32) (result i32)
  (i32.store8 (local.get $to) (i32.or (i32.const 0x80) (i32.and (local.get $bits) (i32.const 0x3f))))
  (i32.add (local.get $to) (i32.const 1)))
`;
