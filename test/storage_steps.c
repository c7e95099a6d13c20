/* Preloaded into the server by test_crash_steps.py: kills it (SIGKILL) before
   the N-th call that writes to the store, so that every step of a commit is
   died at, on the real binary and the real file. BULLA_TEST_STEPS names a file
   of two 32-bit numbers: N (0: never), and the calls so far. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static volatile uint32_t *steps;
static const char *store;

__attribute__((constructor)) static void find_steps(void) {
  const char *name = getenv("BULLA_TEST_STEPS");
  store = getenv("BULLA_TEST_STORE");
  if (name == NULL || store == NULL) return;
  const int fd = open(name, O_RDWR | O_CLOEXEC);
  void *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || map == MAP_FAILED) abort();
  close(fd);
  store = strdup(store); /* the environment may be wiped */
  steps = map;
}

static void step(void) {
  if (__atomic_add_fetch(&steps[1], 1, __ATOMIC_SEQ_CST) != steps[0]) return;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void step_of_path(const char *path) {
  if (steps != NULL && strncmp(path, store, strlen(store)) == 0) step();
}

static void step_of(int fd) {
  if (steps == NULL) return;
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = '\0';
  if (strstr(path, "lock.mdb") == NULL) step_of_path(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
  step_of(fd);
  return NEXT(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  step_of(fd);
  return NEXT(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  step_of(fd);
  return NEXT(pwrite64)(fd, data, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  step_of(fd);
  return NEXT(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  step_of(fd);
  return NEXT(pwritev)(fd, parts, count, at);
}
int fdatasync(int fd) {
  step_of(fd);
  return NEXT(fdatasync)(fd);
}
int fsync(int fd) {
  step_of(fd);
  return NEXT(fsync)(fd);
}
int ftruncate(int fd, off_t size) {
  step_of(fd);
  return NEXT(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  step_of(fd);
  return NEXT(ftruncate64)(fd, size);
}
int unlink(const char *path) {
  step_of_path(path);
  return NEXT(unlink)(path);
}
int rename(const char *from, const char *to) {
  step_of_path(to);
  return NEXT(rename)(from, to);
}
