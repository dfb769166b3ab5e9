;; Prints 8,000,000 pieces in one call, then stops.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1000)
  (func (export "_initialize"))
  (func (export "abi_version_1") (result i32) (i32.const 1))
  (func (export "alloc") (param $len i32) (result i32) (i32.const 64500000))
  (func (export "dealloc") (param $ptr i32) (param $len i32))
  (func (export "handle") (param $ptr i32) (param $len i32) (result i64)
    (drop (call $fd_write (i32.const 2) (i32.const 1024) (i32.const 8000000) (i32.const 8)))
    (unreachable)))
