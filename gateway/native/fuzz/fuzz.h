// What the parts of the fuzzer share: a seeded generator, and how a broken rule ends the run.
#ifndef HAWSER_FUZZ_H
#define HAWSER_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// splitmix64: every seed is a good one, and a case begins with the seed that it is named by.
extern uint64_t random_state, case_seed;
static inline uint64_t random64(void) {
  uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
static inline uint32_t below(uint32_t n) { return (uint32_t)(((random64() >> 32) * n) >> 32); }
static inline int chance(uint32_t percent) { return below(100) < percent; }

#define EXPECT(condition, rule)                                                                                                    \
  do {                                                                                                                             \
    if (!(condition)) {                                                                                                            \
      fprintf(stderr, "BROKEN %s (%s:%d); again: --target %s --case %llu\n", rule, __FILE__, __LINE__, target_name,                \
              (unsigned long long)case_seed);                                                                                      \
      abort();                                                                                                                     \
    }                                                                                                                              \
  } while (0)
extern const char *target_name;

// Each runs one case from the state of the generator, and returns how many inputs it was: chunks, heads, steps.
uint64_t fuzz_stream(void);
uint64_t fuzz_proxy(void);
uint64_t fuzz_kernel(void);
// Answers lines of vectors on standard input; see bytes.c.
int answer_vectors(void);
#endif
