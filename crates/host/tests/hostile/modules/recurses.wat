;; Calls itself for ever.
(module
  (func $deeper (param i64) (result i64) (i64.add (call $deeper (local.get 0)) (i64.const 1)))
  (memory (export "memory") 2)
  (func (export "_initialize"))
  (func (export "abi_version_1") (result i32) (i32.const 1))
  (func (export "alloc") (param $len i32) (result i32) (i32.const 65536))
  (func (export "dealloc") (param $ptr i32) (param $len i32))
  (func (export "handle") (param $ptr i32) (param $len i32) (result i64)
    (call $deeper (i64.const 0))))
