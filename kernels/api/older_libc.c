// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Lets the shared library run with an older C library than that of the toolchain: what glibc 2.38 has anew under these
// names is taken as it was before. The linker puts each __wrap_NAME in the place of NAME (--wrap).
#if defined(__x86_64__)

float old_fmodf(float x, float y);
long long old_strtoll(const char* text, char** end, int base);
unsigned long old_strtoul(const char* text, char** end, int base);
unsigned long long old_strtoull(const char* text, char** end, int base);
__asm__(".symver old_fmodf, fmodf@GLIBC_2.2.5");
__asm__(".symver old_strtoll, strtoll@GLIBC_2.2.5");
__asm__(".symver old_strtoul, strtoul@GLIBC_2.2.5");
__asm__(".symver old_strtoull, strtoull@GLIBC_2.2.5");

float __wrap_fmodf(float x, float y);
long long __wrap___isoc23_strtoll(const char* text, char** end, int base);
unsigned long __wrap___isoc23_strtoul(const char* text, char** end, int base);
unsigned long long __wrap___isoc23_strtoull(const char* text, char** end, int base);

float __wrap_fmodf(float x, float y) { return old_fmodf(x, y); }
// These would read binary numbers too, which nothing here writes.
long long __wrap___isoc23_strtoll(const char* text, char** end, int base) { return old_strtoll(text, end, base); }
unsigned long __wrap___isoc23_strtoul(const char* text, char** end, int base) { return old_strtoul(text, end, base); }
unsigned long long __wrap___isoc23_strtoull(const char* text, char** end, int base) { return old_strtoull(text, end, base); }

#endif
