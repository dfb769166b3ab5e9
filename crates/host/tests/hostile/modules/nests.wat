;; A list in a list in a list, a million deep.
(module
  (memory (export "memory") 100)
  (func (export "_initialize"))
  (func (export "abi_version_1") (result i32) (i32.const 1))
  (func (export "alloc") (param $len i32) (result i32) (i32.const 65536))
  (func (export "dealloc") (param $ptr i32) (param $len i32))
  (func (export "handle") (param $ptr i32) (param $len i32) (result i64)
    (memory.fill (i32.const 4100) (i32.const 0x5b) (i32.const 1000000))
    (i32.store (i32.const 4096) (i32.const 1000000))
    (i64.or (i64.shl (i64.const 4096) (i64.const 32)) (i64.const 1000004))))
