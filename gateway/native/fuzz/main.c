// Fuzzer of the native core's own code, to be compiled with sanitizers: no Node, no sockets.
//   fuzz [--target stream|proxy|kernel|all] [--inputs N] [--seed S] [--case C]
// Prints what it did as one line of JSON; a broken rule aborts with the number of the case that breaks it.
#include "fuzz.h"
#include <string.h>
#include <time.h>

uint64_t random_state, case_seed;
const char *target_name;

static const struct {
  const char *name;
  uint64_t (*run)(void);
} TARGETS[] = {{"stream", fuzz_stream}, {"proxy", fuzz_proxy}, {"kernel", fuzz_kernel}};
enum { TARGETS_COUNT = sizeof TARGETS / sizeof *TARGETS };

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t run_case(int target, uint64_t seed) {
  target_name = TARGETS[target].name;
  random_state = case_seed = seed;
  return TARGETS[target].run();
}

int main(int count, char **arguments) {
  const char *target = "all";
  uint64_t inputs = 1000000, seed = 1, one = 0;
  int has_one = 0;
  for (int i = 1; i < count; i += 2) {
    if (strcmp(arguments[i], "--vectors") == 0) return answer_vectors();
    if (i + 1 == count) return fprintf(stderr, "%s needs a value\n", arguments[i]), 2;
    if (strcmp(arguments[i], "--target") == 0) target = arguments[i + 1];
    else if (strcmp(arguments[i], "--inputs") == 0) inputs = strtoull(arguments[i + 1], NULL, 10);
    else if (strcmp(arguments[i], "--seed") == 0) seed = strtoull(arguments[i + 1], NULL, 10);
    else if (strcmp(arguments[i], "--case") == 0) one = strtoull(arguments[i + 1], NULL, 10), has_one = 1;
    else return fprintf(stderr, "unknown option %s\n", arguments[i]), 2;
  }
  printf("{\"seed\":%llu,\"targets\":[", (unsigned long long)seed);
  const char *comma = "";
  int chosen = strcmp(target, "all") == 0 ? TARGETS_COUNT : 1;
  for (int i = 0; i < TARGETS_COUNT; i++) {
    if (chosen == 1 && strcmp(target, TARGETS[i].name) != 0) continue;
    double start = seconds();
    uint64_t done = 0, cases = 0;
    if (has_one) done = run_case(i, one), cases = 1;
    else
      for (; done < inputs / (uint64_t)chosen; cases++) done += run_case(i, seed * 1000000007u + cases);
    printf("%s{\"name\":\"%s\",\"inputs\":%llu,\"cases\":%llu,\"seconds\":%.3f}", comma, TARGETS[i].name, (unsigned long long)done, (unsigned long long)cases,
           seconds() - start);
    comma = ",";
    fflush(stdout);
  }
  printf("]}\n");
  return 0;
}
