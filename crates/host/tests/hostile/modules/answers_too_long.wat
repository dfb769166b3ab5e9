;; Its answer is longer than a frame may be.
(module
  (memory (export "memory") 600)
  (func (export "_initialize"))
  (func (export "abi_version_1") (result i32) (i32.const 1))
  (func (export "alloc") (param $len i32) (result i32) (i32.const 65536))
  (func (export "dealloc") (param $ptr i32) (param $len i32))
  (func (export "handle") (param $ptr i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 0) (i64.const 32)) (i64.const 34603008))))
