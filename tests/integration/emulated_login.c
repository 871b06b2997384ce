// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What the kernel of a RISC-V or Arm machine does for the shell of a login, preloaded there: programs for it run, by the
// command BOARD_QEMU and with a line in the file BOARD_RUNS; and no file gets longer than BOARD_DISK bytes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RISCV = 243,
       AARCH64 = 183,
       MACHINE = 18,
       HEADER = 20,
       WORDS = 1024 };

static int is_foreign(const char* path) {
  unsigned char header[HEADER];
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t got = syscall(SYS_read, file, header, sizeof(header));
  close(file);
  return got == HEADER && memcmp(header, "\177ELF", 4) == 0 &&
         (header[MACHINE] == RISCV || header[MACHINE] == AARCH64);
}

static void record(const char* path) {
  const char* name = getenv("BOARD_RUNS");
  const int file = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  char line[4096];
  const size_t length = strlen(path);
  if (file < 0 || length >= sizeof(line)) return;
  memcpy(line, path, length);
  line[length] = '\n';
  syscall(SYS_write, file, line, length + 1);
  close(file);
}

int execve(const char* path, char* const argv[], char* const envp[]) {
  const char* qemu = getenv("BOARD_QEMU");
  if (qemu == NULL || !is_foreign(path)) return (int) syscall(SYS_execve, path, argv, envp);
  record(path);
  char* words[WORDS];
  size_t count = 0;
  char* text = strdup(qemu);
  for (char* word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) words[count++] = word;
  words[count++] = (char*) path;
  for (size_t i = 1; argv[0] != NULL && argv[i] != NULL && count < WORDS - 1; i++) words[count++] = argv[i];
  words[count] = NULL;
  // The emulator is no shell of the board.
  char* environment[WORDS];
  size_t kept = 0;
  for (size_t i = 0; envp[i] != NULL && kept < WORDS - 1; i++) {
    if (strncmp(envp[i], "LD_PRELOAD=", 11) != 0) environment[kept++] = envp[i];
  }
  environment[kept] = NULL;
  return (int) syscall(SYS_execve, words[0], words, environment);
}

// strtol of a newer C library would be one that the machine of the tests may not have.
static off_t bytes(const char* digits) {
  off_t value = 0;
  while (*digits != '\0') value = 10 * value + (*digits++ - '0');
  return value;
}

ssize_t write(int file, const void* data, size_t size) {
  const char* disk = getenv("BOARD_DISK");
  struct stat status;
  if (disk != NULL && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size + (off_t) size > bytes(disk)) {
    errno = ENOSPC;
    return -1;
  }
  return syscall(SYS_write, file, data, size);
}
