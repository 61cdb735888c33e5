/** How the machine follows the chosen paths; everything here runs at depths 0 to 3 only. */
export const MEMBER_FUNCTIONS: string = `
;; The first entry of the names that count in an object at this depth, else 0.
(func $entriesAt (param $depth i32) (result i32)
  (if (i32.eq (local.get $depth) (i32.const 1)) (then (return (i32.load offset=@RULES.topEntries (@rules)))))
  (if (i32.and (i32.eq (local.get $depth) (i32.const 3)) (i32.ne (i32.load (@arrayEntry)) (i32.const 0)))
    (then (return (i32.load offset=@ENTRY.elementEntries (i32.load (@arrayEntry))))))
  (if (i32.and (i32.eq (local.get $depth) (i32.const 2)) (i32.ne (i32.load (@objectEntry)) (i32.const 0)))
    (then (return (i32.load offset=@ENTRY.memberEntries (i32.load (@objectEntry))))))
  (i32.const 0))

;; The path of the value that starts in a container at this depth, -1 for none.
(func $startValue (param $p i32) (param $depth i32) (result i32)
  (local $path i32)
  (if (i32.eqz (local.get $depth)) (then (i32.store (@rootByte) (i32.load8_u (local.get $p)))))
  (local.set $path (i32.const -1))
  (if (i32.load (@pendingEntry))
    (then (local.set $path (i32.load offset=@ENTRY.valuePath (i32.load (@pendingEntry)))))
    (else (if (i32.and (i32.eq (local.get $depth) (i32.const 2)) (i32.ne (i32.load (@arrayEntry)) (i32.const 0)))
      (then (local.set $path (i32.load offset=@ENTRY.elementPath (i32.load (@arrayEntry))))))))
  (if (i32.lt_s (local.get $path) (i32.const 0)) (then (return (i32.const -1))))
  (if (i32.and (i32.shr_u (i32.load (@fullBits)) (local.get $path)) (i32.const 1))
    (then
      (i32.store (@overflowBits) (i32.or (i32.load (@overflowBits)) (i32.shl (i32.const 1) (local.get $path))))
      (return (i32.const -1))))
  (local.get $path))

;; Starts a string, number or literal: tells where its mark is, 0 when it is not chosen.
(func $markValue (param $p i32) (param $depth i32) (result i32)
  (local $path i32)
  (local.set $path (call $startValue (local.get $p) (local.get $depth)))
  (i32.store (@pendingEntry) (i32.const 0))
  (if (i32.lt_s (local.get $path) (i32.const 0)) (then (return (i32.const 0))))
  (i32.store (@markPath) (local.get $path))
  (local.get $p))

;; Enters an object or array in a container at this depth.
(func $enter (param $depth i32) (param $isObject i32)
  (if (i32.eq (local.get $depth) (i32.const 1))
    (then
      (if (local.get $isObject)
        (then (i32.store (@objectEntry) (i32.load (@pendingEntry))))
        (else (i32.store (@arrayEntry) (i32.load (@pendingEntry)))))))
  ;; A new object of a chosen name, or a new element: its members have not been seen.
  (if (i32.or (i32.eq (local.get $depth) (i32.const 1))
        (i32.and (i32.eq (local.get $depth) (i32.const 2)) (i32.ne (i32.load (@arrayEntry)) (i32.const 0))))
    (then (i32.store (@seenBits) (i32.and (i32.load (@seenBits)) (i32.load offset=@RULES.topBits (@rules))))))
  (i32.store (@pendingEntry) (i32.const 0)))

;; Ends a name: when it is a chosen one, the value that follows belongs to its entry.
(func $endName (param $start i32) (param $stop i32) (param $depth i32)
  (local $entry i32) (local $bit i32)
  (local.set $entry (call $findName (call $entriesAt (local.get $depth)) (local.get $start) (local.get $stop)))
  (if (i32.eqz (local.get $entry)) (then (return)))
  (i32.store (@pendingEntry) (local.get $entry))
  (local.set $bit (i32.load offset=@ENTRY.bit (local.get $entry)))
  (i32.store (@duplicateBits)
    (i32.or (i32.load (@duplicateBits)) (i32.and (local.get $bit) (i32.load (@seenBits)))))
  (i32.store (@seenBits) (i32.or (i32.load (@seenBits)) (local.get $bit))))

;; Finds a name as it stands in the text; only one that has escapes is decoded.
(func $findName (param $entries i32) (param $start i32) (param $stop i32) (result i32)
  (local $p i32)
  (if (i32.gt_u (i32.sub (local.get $stop) (local.get $start)) (i32.load offset=@RULES.maxNameBytes (@rules)))
    (then (return (i32.const 0))))
  (local.set $p (local.get $start))
  (loop $vector
    (if (v128.any_true (i8x16.eq (v128.load (local.get $p)) (@bytes:5c)))
      (then
        (return (call $findBytes (local.get $entries) (@scratch)
          (i32.sub (call $unescape (local.get $start) (local.get $stop)) (@scratch))))))
    (br_if $vector (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 16))) (local.get $stop))))
  (if (i32.eqz (i32.and (i32.load offset=@RULES.lengthBits (@rules))
        (i32.shl (i32.const 1) (i32.sub (local.get $stop) (local.get $start)))))
    (then (return (i32.const 0))))
  (call $findBytes (local.get $entries) (local.get $start) (i32.sub (local.get $stop) (local.get $start))))

(func $findBytes (param $entry i32) (param $start i32) (param $length i32) (result i32)
  (local $size i32) (local $i i32)
  (loop $entries
    (local.set $size (i32.load offset=@ENTRY.nameBytes (local.get $entry)))
    (if (i32.eqz (local.get $size)) (then (return (i32.const 0))))
    (if (i32.eq (local.get $size) (local.get $length))
      (then
        (local.set $i (i32.const 0))
        (block $differs
          (loop $bytes
            (br_if $differs (i32.ne
              (i32.load8_u (i32.add (local.get $start) (local.get $i)))
              (i32.load8_u offset=@ENTRY.name (i32.add (local.get $entry) (local.get $i)))))
            (br_if $bytes (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $length))))
          (return (local.get $entry)))))
    (local.set $entry (i32.load offset=@ENTRY.next (local.get $entry)))
    (br $entries))
  (unreachable))
`;
