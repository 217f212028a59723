// How much time the host took away: on each core a thread sleeps in short steps to absolute times, and what it wakes late
// by, above a threshold, is a pause in which that core did not run (its time went to somebody else on the host, or to a
// part of the kernel that nothing may interrupt). The threads have a real-time priority, so that no other process here can
// make them late; where that is not permitted, waiting for other processes counts too, and the first line says so.
//
//   cc -O2 -pthread pauses.c -o pauses && ./pauses [TICK_US [THRESHOLD_US]]
//
// Prints one JSON object a line: first {"realtime":…,"cores":[…],"tickUs":…,"thresholdUs":…}, then a line for each pause,
// {"core":…,"endUs":…,"us":…} (endUs on CLOCK_MONOTONIC). A line on standard input is answered, once every pause before it
// has been printed, with {"echo":THE_LINE,"nowUs":…,"dropped":…} (digits only in the line). Ends with its input.
//
// A thread sees a pause from its next step on, so that each comes out shorter than it was by up to TICK_US, half of it on
// average, and pauses below TICK_US + THRESHOLD_US may be missed.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define RING 4096 // pauses of one core between two drains, a power of two
#define CORES_MAX 1024
#define DRAIN_MS 100

struct pause {
  int64_t end_us;
  int64_t us;
};

// Written by its thread at `head`, read by main at `tail`.
struct watch {
  int core;
  int realtime;
  _Atomic uint32_t head;
  _Atomic uint32_t tail;
  _Atomic uint64_t dropped;
  _Atomic int started;
  struct pause ring[RING];
};

static int64_t tick_ns;
static int64_t threshold_ns;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *watch_core(void *argument) {
  struct watch *watch = argument;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(watch->core, &one);
  sched_setaffinity(0, sizeof one, &one);
  struct sched_param priority = {.sched_priority = 50};
  watch->realtime = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
  // Threads without a real-time priority are woken up to 50 µs late on purpose otherwise.
  prctl(PR_SET_TIMERSLACK, 1);
  atomic_store(&watch->started, 1);

  int64_t due = now_ns() + tick_ns;
  for (;;) {
    struct timespec until = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
    if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) continue;
    int64_t now = now_ns();
    int64_t late = now - due;
    if (late >= threshold_ns) {
      uint32_t head = atomic_load_explicit(&watch->head, memory_order_relaxed);
      if (head - atomic_load_explicit(&watch->tail, memory_order_acquire) < RING) {
        watch->ring[head & (RING - 1)] = (struct pause){.end_us = now / 1000, .us = late / 1000};
        atomic_store_explicit(&watch->head, head + 1, memory_order_release);
      } else {
        atomic_fetch_add(&watch->dropped, 1);
      }
      due = now;
    }
    due += tick_ns;
  }
  return NULL;
}

static uint64_t drain(struct watch **watches, int count) {
  uint64_t dropped = 0;
  for (int i = 0; i < count; i++) {
    struct watch *watch = watches[i];
    uint32_t tail = atomic_load_explicit(&watch->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&watch->head, memory_order_acquire);
    for (; tail != head; tail++) {
      struct pause pause = watch->ring[tail & (RING - 1)];
      printf("{\"core\":%d,\"endUs\":%lld,\"us\":%lld}\n", watch->core, (long long)pause.end_us, (long long)pause.us);
    }
    atomic_store_explicit(&watch->tail, tail, memory_order_release);
    dropped += atomic_load(&watch->dropped);
  }
  return dropped;
}

int main(int argc, char **argv) {
  tick_ns = (argc > 1 ? atoll(argv[1]) : 4000) * 1000;
  threshold_ns = (argc > 2 ? atoll(argv[2]) : 500) * 1000;
  if (tick_ns <= 0 || threshold_ns <= 0) {
    fprintf(stderr, "usage: pauses [TICK_US [THRESHOLD_US]]\n");
    return 2;
  }
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    perror("sched_getaffinity");
    return 1;
  }
  static struct watch *watches[CORES_MAX];
  int count = 0;
  for (int core = 0; core < CPU_SETSIZE && count < CORES_MAX; core++) {
    if (!CPU_ISSET(core, &allowed)) continue;
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) return 1;
    watch->core = core;
    watches[count++] = watch;
  }
  // Small, since all of them are made real, see below.
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  for (int i = 0; i < count; i++) {
    pthread_t thread;
    int error = pthread_create(&thread, &small, watch_core, watches[i]);
    if (error != 0) {
      fprintf(stderr, "pauses: %s\n", strerror(error));
      return 1;
    }
  }
  for (int i = 0; i < count; i++) {
    while (!atomic_load(&watches[i]->started)) usleep(1000);
  }
  // A page that is not there would make a thread late by itself. Behind the start of the threads, so that their stacks are in
  // it: with MCL_FUTURE instead, a limit on locked memory would keep threads from starting at all.
  if (mlockall(MCL_CURRENT) != 0) fprintf(stderr, "pauses: memory is not locked, so a page fault may count as a pause: %s\n", strerror(errno));
  int realtime = 1;
  printf("{\"cores\":[");
  for (int i = 0; i < count; i++) {
    realtime = realtime && watches[i]->realtime;
    printf(i == 0 ? "%d" : ",%d", watches[i]->core);
  }
  printf("],\"realtime\":%s,\"tickUs\":%lld,\"thresholdUs\":%lld}\n", realtime ? "true" : "false", (long long)tick_ns / 1000,
         (long long)threshold_ns / 1000);
  fflush(stdout);

  char line[64];
  size_t length = 0;
  for (;;) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, DRAIN_MS) < 0 && errno != EINTR) return 1;
    // The time first: whatever ended before it is in the rings.
    int64_t now = now_ns() / 1000;
    uint64_t dropped = drain(watches, count);
    if (input.revents & (POLLIN | POLLHUP)) {
      char bytes[256];
      ssize_t got = read(0, bytes, sizeof bytes);
      if (got == 0) return 0;
      for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] == '\n') {
          printf("{\"echo\":%.*s,\"nowUs\":%lld,\"dropped\":%llu}\n", (int)length, line, (long long)now, (unsigned long long)dropped);
          length = 0;
        } else if (length < sizeof line && bytes[i] >= '0' && bytes[i] <= '9') {
          line[length++] = bytes[i];
        }
      }
    }
    fflush(stdout);
    // Nobody reads: the other end is gone.
    if (ferror(stdout)) return 0;
  }
}
