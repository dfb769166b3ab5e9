;; Prints a megabyte, then stops.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_initialize"))
  (func (export "abi_version_1") (result i32) (i32.const 1))
  (func (export "alloc") (param $len i32) (result i32) (i32.const 65536))
  (func (export "dealloc") (param $ptr i32) (param $len i32))
  (func (export "handle") (param $ptr i32) (param $len i32) (result i64)
    (local $left i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 65536))
    (local.set $left (i32.const 16))
    (loop $more
      (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (unreachable)))
