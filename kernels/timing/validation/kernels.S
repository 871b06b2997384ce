// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

# Loops of published benchmarks, written again: what they do is theirs, the code is ours.

# copy_mX(to, from, bytes) and fill_mX(to, bytes): camel-cdr/rvv-bench memcpy and memset.
# count_mX(from, bytes): the bytes above -65, as its utf8_count.
.macro byte_loops lmul
.globl copy_\lmul
copy_\lmul:
1:
  vsetvli t0, a2, e8, \lmul, ta, ma
  vle8.v v8, (a1)
  sub a2, a2, t0
  add a1, a1, t0
  vse8.v v8, (a0)
  add a0, a0, t0
  bnez a2, 1b
  ret

.globl fill_\lmul
fill_\lmul:
  vsetvli t0, x0, e8, \lmul, ta, ma
  vmv.v.i v8, 0
1:
  vsetvli t0, a1, e8, \lmul, ta, ma
  vse8.v v8, (a0)
  sub a1, a1, t0
  add a0, a0, t0
  bnez a1, 1b
  ret

.globl count_\lmul
count_\lmul:
  li a2, 0
  li a3, -65
1:
  vsetvli t0, a1, e8, \lmul, ta, ma
  vle8.v v8, (a0)
  vmsgt.vx v16, v8, a3
  vcpop.m a4, v16
  add a2, a2, a4
  sub a1, a1, t0
  add a0, a0, t0
  bnez a1, 1b
  mv a0, a2
  ret
.endm

byte_loops m1
byte_loops m2
byte_loops m4
byte_loops m8

# find_zero_m1(from): the first zero byte, by whole registers: its strlen.
.globl find_zero_m1
find_zero_m1:
  mv a1, a0
  vsetvli t0, x0, e8, m1, ta, ma
1:
  vle8.v v8, (a1)
  add a1, a1, t0
  vmseq.vi v16, v8, 0
  vfirst.m a2, v16
  bltz a2, 1b
  sub a1, a1, t0
  add a1, a1, a2
  sub a0, a1, a0
  ret

# copy_words(to, from, bytes): eight 64-bit words at a time: tinymembench's C copy.
.globl copy_words
copy_words:
  add a3, a1, a2
1:
  ld t0, 0(a1)
  ld t1, 8(a1)
  ld t2, 16(a1)
  ld t3, 24(a1)
  sd t0, 0(a0)
  sd t1, 8(a0)
  sd t2, 16(a0)
  sd t3, 24(a0)
  ld t0, 32(a1)
  ld t1, 40(a1)
  ld t2, 48(a1)
  ld t3, 56(a1)
  addi a1, a1, 64
  sd t0, 32(a0)
  sd t1, 40(a0)
  sd t2, 48(a0)
  sd t3, 56(a0)
  addi a0, a0, 64
  bne a1, a3, 1b
  ret

# chase_N(chains, steps): follows N chains of pointers at once, steps a multiple of 8; ramlat.
.macro chase count, registers:vararg
.globl chase_\count
chase_\count:
  .set offset, 0
  .irp register, \registers
  ld \register, offset(a0)
  .set offset, offset + 8
  .endr
1:
  .rept 8
  .irp register, \registers
  ld \register, 0(\register)
  .endr
  .endr
  addi a1, a1, -8
  bnez a1, 1b
  ret
.endm

chase 1, a2
chase 2, a2, a3
chase 4, a2, a3, a4, a5
chase 8, a2, a3, a4, a5, a6, a7, t0, t1
