/**
 * The machine proper: looks up each byte outside of strings in the table and acts on it; what needs no thought inside of
 * strings and between tokens is passed over by vectors. `@name` stands for a constant, see assemble-machine.
 */

/** Values that are the text's own, or of a chosen name, or elements of its array; no other is looked at. A member of a chosen object has a name of its own. */
const MAY_BE_CHOSEN = `(i32.and (i32.le_u (local.get $depth) (i32.const 3)) (i32.or
          (i32.eqz (local.get $depth)) (i64.ne (i64.load (@pendingAndArrayEntry)) (i64.const 0))))`;

export const SCAN_FUNCTION: string = `
;; Scans the bytes from $p up to $end; tells what stopped it, and writes where.
(func (export "scan") (param $p i32) (param $end i32) (result i32)
  (local $state i32) (local $after i32) (local $afterString i32) (local $depth i32) (local $mark i32)
  (local $next i32) (local $path i32) (local $event i32) (local $special i32) (local $v v128)
  (local.set $state (i32.load (@state)))
  (local.set $depth (i32.load (@depth)))
  (local.set $mark (i32.load (@mark)))
  (local.set $afterString (i32.load (@afterString)))
  (local.set $after (i32.load8_u offset=@stack (local.get $depth)))
  (block $stop
    (loop $step
      (if (i32.eq (local.get $state) (@GRAMMAR.string))
        (then
          ;; Most strings are short: their end is looked for in 16 bytes before anything larger is set up. Bytes after
          ;; $end may be read, here and below, and never decide anything.
          (local.set $v (v128.load (local.get $p)))
          (local.set $special (i8x16.bitmask (v128.or
            (i8x16.lt_s (v128.xor (local.get $v) (@bytes:02)) (@bytes:21))
            (i8x16.eq (local.get $v) (@bytes:5c)))))
          (local.set $next (i32.add (local.get $p) (i32.ctz (i32.or (local.get $special) (i32.const 0x10000)))))
          (local.set $p
            (if (result i32) (i32.eq (i32.load8_u (local.get $next)) (i32.const 0x22))
              (then (local.get $next))
              (else (call $skipString (local.get $p) (local.get $end)))))))
      (if (i32.ge_u (local.get $p) (local.get $end))
        (then
          (local.set $p (local.get $end))
          (local.set $event (@EVENT.consumed))
          (br $stop)))
      (local.set $next (i32.load8_u offset=@transitions
        (i32.or (i32.shl (local.get $state) (i32.const 8)) (i32.load8_u (local.get $p)))))
      (if (i32.lt_u (local.get $next) (@FIRST_ACTION))
        (then
          (local.set $state (local.get $next))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $step)))

      (block $emit
      (block $failUtf8 (block $failJson (block $endNumber (block $endLiteral (block $startScalar (block $endString
      (block $startString (block $startName (block $close (block $open (block $skipSpace
        (br_table $skipSpace $open $open $close $startName $startString $endString $startScalar $endLiteral $endNumber
          $failJson $failUtf8 (i32.sub (local.get $next) (@FIRST_ACTION))))

        ;; $skipSpace: one space is common, more come in long runs
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (if (i32.le_u (i32.load8_u (local.get $p)) (i32.const 0x20))
          (then (local.set $p (call $skipSpaces (local.get $p) (local.get $end)))))
        (br $step))

        ;; $open
        (if (i32.ge_u (local.get $depth) (i32.load offset=@RULES.maxDepth (@rules)))
          (then (local.set $event (@EVENT.tooDeep)) (br $stop)))
        (local.set $path (i32.const -1))
        (if ${MAY_BE_CHOSEN}
          (then
            (local.set $path (call $startValue (local.get $p) (local.get $depth)))
            (call $enter (local.get $depth) (i32.eq (local.get $next) (@GRAMMAR.openObject)))))
        (if (i32.eq (local.get $next) (@GRAMMAR.openObject))
          (then (local.set $state (@GRAMMAR.objectStart)) (local.set $after (@GRAMMAR.afterMember)))
          (else (local.set $state (@GRAMMAR.arrayStart)) (local.set $after (@GRAMMAR.afterElement))))
        (local.set $depth (i32.add (local.get $depth) (i32.const 1)))
        (i32.store8 offset=@stack (local.get $depth) (local.get $after))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br_if $step (i32.lt_s (local.get $path) (i32.const 0)))
        (i32.store (@markPath) (local.get $path))
        (local.set $mark (i32.sub (local.get $p) (i32.const 1)))
        (br $emit))

        ;; $close
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
        (local.set $after (i32.load8_u offset=@stack (local.get $depth)))
        (local.set $state (local.get $after))
        (if (i32.eq (local.get $depth) (i32.const 1))
          (then (i32.store (@arrayEntry) (i32.const 0)) (i32.store (@objectEntry) (i32.const 0))))
        (br $step))

        ;; $startName
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $state (@GRAMMAR.string))
        (local.set $afterString (@GRAMMAR.colon))
        (if (i32.le_u (local.get $depth) (i32.const 3))
          (then (if (call $entriesAt (local.get $depth)) (then (local.set $mark (local.get $p))))))
        (br $step))

        ;; $startString
        (if ${MAY_BE_CHOSEN} (then (local.set $mark (call $markValue (local.get $p) (local.get $depth)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $state (@GRAMMAR.string))
        (local.set $afterString (local.get $after))
        (br $step))

        ;; $endString
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $state (local.get $afterString))
        (br_if $emit (i32.and
          (i32.ne (local.get $mark) (i32.const 0)) (i32.ne (local.get $state) (@GRAMMAR.colon))))
        (if (local.get $mark)
          (then
            (call $endName (local.get $mark) (i32.sub (local.get $p) (i32.const 1)) (local.get $depth))
            (local.set $mark (i32.const 0))))
        (br $step))

        ;; $startScalar: its first byte tells which number or literal it is
        (if ${MAY_BE_CHOSEN} (then (local.set $mark (call $markValue (local.get $p) (local.get $depth)))))
        (local.set $state (i32.load8_u offset=@scalarTransitions (i32.load8_u (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $step))

        ;; $endLiteral
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $state (local.get $after))
        (br_if $emit (local.get $mark))
        (br $step))

        ;; $endNumber: takes no byte, the one that ended it is for the next state
        (local.set $state (local.get $after))
        (br_if $emit (local.get $mark))
        (br $step))

        ;; $failJson
        (local.set $event (@EVENT.invalidJson))
        (br $stop))

        ;; $failUtf8
        (local.set $event (@EVENT.invalidUtf8))
        (br $stop))

      ;; $emit: the chosen value from $mark to $p is complete
      (i32.store (@valueStart) (local.get $mark))
      (local.set $mark (i32.const 0))
      (local.set $event (@EVENT.value))
      (br $stop)))
  (i32.store (@state) (local.get $state))
  (i32.store (@depth) (local.get $depth))
  (i32.store (@mark) (local.get $mark))
  (i32.store (@afterString) (local.get $afterString))
  (i32.store (@position) (local.get $p))
  (local.get $event))
`;
