// The parts of the core that read bytes: frames in every chunking against a second reader that sees all of a stream and
// goes through it byte by byte; PROXY heads, whose outcome must come with the byte that decides it and never change.
#include "../proxy.h"
#include "../stream.h"
#include "fuzz.h"
#include <arpa/inet.h>
#include <string.h>

enum { STREAM_BYTES_MAX = 65536, FRAMES_IN_STREAM_MAX = STREAM_BYTES_MAX, GAP_MAX = 3 };

struct expected {
  uint8_t header;
  uint32_t start, end;
};
static uint8_t stream_bytes[STREAM_BYTES_MAX];
static uint32_t stream_length;
static struct expected expected[FRAMES_IN_STREAM_MAX];
static uint32_t expected_count, expected_end; // where the last whole frame ends
static enum verdict expected_verdict;
static uint32_t limit;

// The second reader: one byte after the other, with the whole stream in sight.
static void read_all(void) {
  uint32_t at = 0;
  expected_count = expected_end = 0;
  expected_verdict = STREAM_OPEN;
  while (at < stream_length) {
    uint32_t length = 0, shift = 0, from = at;
    for (;;) {
      if (at == stream_length) return;
      uint8_t byte = stream_bytes[at++];
      length |= (uint32_t)(byte & 127) << shift;
      shift += 7;
      if (byte & 128) {
        if (at - from == 4) {
          expected_verdict = STREAM_BAD_FRAME;
          return;
        }
        continue;
      }
      if (byte == 0 && at - from > 1) {
        expected_verdict = STREAM_BAD_FRAME;
        return;
      }
      break;
    }
    if (length > limit) {
      expected_verdict = STREAM_FRAME_TOO_LARGE;
      return;
    }
    if (stream_length - at < length) return;
    struct expected *frame = &expected[expected_count];
    *frame = (struct expected){.header = 0, .start = at, .end = at + length};
    if (length > 0) {
      frame->header = stream_bytes[at];
      frame->start++;
      if (frame->header >= 128 || frame->header % 32 == 0) {
        expected_verdict = STREAM_BAD_FRAME;
        return;
      }
    }
    expected_count++;
    expected_end = at = frame->end;
  }
}

struct seen {
  const uint8_t *buffer;
  uint32_t count, stop_after;
};

static int on_frame(void *owner, uint8_t header, uint32_t start, uint32_t end) {
  struct seen *seen = owner;
  EXPECT(seen->count < expected_count, "no frame that is none");
  const struct expected *frame = &expected[seen->count++];
  EXPECT(header == frame->header && end - start == frame->end - frame->start, "the same frame");
  EXPECT(memcmp(seen->buffer + start, stream_bytes + frame->start, end - start) == 0, "the same bytes");
  return seen->count != seen->stop_after;
}

// Feeds the stream in chunks; `size` gives the next chunk's. Returns how many there were.
static uint64_t feed(uint32_t (*size)(void), size_t budget_max, uint32_t stop_after) {
  static uint8_t *buffer;
  if (!buffer) buffer = malloc(2 * STREAM_BYTES_MAX + 64);
  struct budget budget = {.used = 0, .max = budget_max};
  struct stream stream = {.held = NULL, .limit = limit};
  struct seen seen = {.buffer = buffer, .stop_after = stop_after};
  uint64_t chunks = 0;
  for (uint32_t fed = 0; fed < stream_length;) {
    uint32_t count = size();
    if (count > stream_length - fed) count = stream_length - fed;
    size_t at = below(32), gap = stream_gap(&stream), used;
    // Exactly as large as needed, so that a sanitizer sees a byte too far.
    memcpy(buffer + at + gap, stream_bytes + fed, count);
    fed += count;
    chunks++;
    enum verdict verdict = stream_take(&stream, &budget, buffer, at, count, on_frame, &seen, &used);
    EXPECT(budget.used == stream_gap(&stream) && budget.used <= budget.max, "what is held is counted");
    EXPECT(used >= at && used <= at + gap + count, "the last frame ends among the bytes");
    if (verdict == STREAM_STOPPED) {
      EXPECT(seen.count == stop_after && stream.held == NULL, "stops when told so");
      return chunks;
    }
    if (verdict == STREAM_BUSY) {
      EXPECT(stream.held == NULL && fed - expected_end > budget.max, "busy only where too much is unfinished");
      return chunks;
    }
    if (verdict != STREAM_OPEN) {
      EXPECT(verdict == expected_verdict && seen.count == expected_count && stream.held == NULL, "ends as the second reader does");
      return chunks;
    }
    EXPECT(seen.count == expected_count || fed < stream_length, "every frame");
  }
  EXPECT(expected_verdict == STREAM_OPEN && stream_gap(&stream) == stream_length - expected_end, "what is left is held");
  stream_clear(&stream, &budget);
  EXPECT(budget.used == 0, "nothing is left behind");
  return chunks;
}

static uint32_t size_most;
static uint32_t random_size(void) { return 1 + below(size_most); }
static uint32_t one_byte(void) { return 1; }
static uint32_t split_at;
static uint32_t split_size(void) {
  uint32_t size = split_at;
  split_at = STREAM_BYTES_MAX;
  return size;
}

static void add(const uint8_t *bytes, uint32_t count) {
  if (count > STREAM_BYTES_MAX - stream_length) count = STREAM_BYTES_MAX - stream_length;
  memcpy(stream_bytes + stream_length, bytes, count);
  stream_length += count;
}

static void add_length(uint32_t value, int groups) {
  uint8_t bytes[8];
  uint32_t count = 0;
  for (groups--; value >= 128 || groups > 0; value >>= 7, groups--) bytes[count++] = (uint8_t)(value | 128);
  bytes[count++] = (uint8_t)value;
  add(bytes, count);
}

static void generate_stream(void) {
  static uint8_t body[STREAM_BYTES_MAX];
  static const uint32_t LIMITS[] = {1, 2, 100, 127, 128, 300, 2000, 524288};
  stream_length = 0;
  limit = LIMITS[below(8)];
  for (uint32_t frames = below(24); frames > 0; frames--) {
    uint32_t length = chance(30) ? 0 : chance(80) ? below(40) : chance(80) ? below(300) : below(2000);
    if (length > limit && !chance(5)) length = below(limit) + 1;
    if (chance(3)) length = limit + below(3) - 1;
    add_length(length, chance(2) ? 1 + (int)below(5) : 1);
    if (length == 0) continue;
    body[0] = chance(3) ? (uint8_t)random64() : (uint8_t)(1 + below(31) + (chance(20) ? 32 : 0) + (chance(10) ? 64 : 0));
    uint64_t filling = random64();
    for (uint32_t i = 1; i < length && i < sizeof body; i++) body[i] = (uint8_t)(filling >> (i % 57));
    add(body, chance(97) ? length : below(length));
  }
  for (uint32_t changes = chance(30) ? below(4) : 0; changes > 0 && stream_length > 0; changes--) {
    uint32_t at = below(stream_length);
    if (chance(50)) stream_bytes[at] = (uint8_t)random64();
    else stream_bytes[at] ^= (uint8_t)(1 << below(8));
    if (chance(20)) stream_length = at;
  }
}

uint64_t fuzz_stream(void) {
  generate_stream();
  read_all();
  size_most = chance(50) ? 1 + below(8) : 1 + below(200);
  uint64_t chunks = feed(random_size, chance(80) ? SIZE_MAX / 2 : below(600), chance(90) ? 0 : below(expected_count + 1));
  if (chance(5)) chunks += feed(one_byte, SIZE_MAX / 2, 0);
  split_at = 1 + below(stream_length + 1);
  return chunks + feed(split_size, SIZE_MAX / 2, 0);
}

// PROXY heads

static size_t generate_head(uint8_t *bytes, size_t size) {
  static const char *const WORDS[] = {"TCP4", "TCP6", "UNKNOWN", "192.0.2.7", "::1", "2001:db8::7", "255.255.255.255", "0", "1", "65535", "65536", "007", "", "x"};
  static const uint8_t SIGNATURE[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  static const uint8_t FAMILIES[] = {0x00, 0x11, 0x21, 0x31, 0x12, 0xff};
  size_t length;
  if (chance(50)) {
    char text[256] = "PROXY";
    size_t at = 5;
    if (chance(60)) {
      int four = chance(50);
      at += (size_t)snprintf(text + at, sizeof text - at, " %s %s %s %u %u", four ? "TCP4" : "TCP6", four ? "192.0.2.7" : "2001:db8::2a", four ? "10.0.0.1" : "::1",
                             below(70000), below(70000));
    } else {
      for (uint32_t words = below(7); words > 0 && at < 200; words--) at += (size_t)snprintf(text + at, sizeof text - at, " %s", WORDS[below(14)]);
    }
    at += (size_t)snprintf(text + at, sizeof text - at, "\r\n");
    length = at < size ? at : size;
    memcpy(bytes, text, length);
  } else {
    memcpy(bytes, SIGNATURE, 12);
    bytes[12] = chance(90) ? (uint8_t)(0x20 + below(2)) : (uint8_t)random64();
    bytes[13] = FAMILIES[below(6)];
    uint32_t body = chance(90) ? below(60) : below(5000);
    bytes[14] = (uint8_t)(body >> 8), bytes[15] = (uint8_t)body;
    length = 16 + body < size ? 16 + body : size;
    for (size_t i = 16; i < length; i++) bytes[i] = (uint8_t)random64();
  }
  for (uint32_t changes = chance(30) ? below(4) : 0; changes > 0 && length > 0; changes--) bytes[below((uint32_t)length)] = (uint8_t)random64();
  return length;
}

// Reads a copy that ends with its last byte, so that a sanitizer sees a byte too far.
static int read_exactly(const uint8_t *bytes, size_t count, struct proxied *proxied) {
  uint8_t *copy = malloc(count > 0 ? count : 1);
  memcpy(copy, bytes, count);
  int head = read_proxy(copy, count, proxied);
  free(copy);
  return head;
}

static uint64_t check_head(const uint8_t *bytes, size_t length) {
  struct proxied whole, proxied;
  int outcome = read_exactly(bytes, length, &whole), decided = PROXY_INCOMPLETE;
  uint64_t count = 1;
  EXPECT(outcome >= PROXY_INVALID && outcome <= PROXY_BYTES_MAX && outcome <= (int)length, "a head within the bytes");
  EXPECT(length < PROXY_BYTES_MAX || outcome != PROXY_INCOMPLETE, "a bounded wait");
  size_t step = length > 300 ? 1 + below(200) : 1;
  for (size_t known = 0; known <= length; known += step, count++) {
    int head = read_exactly(bytes, known, &proxied);
    EXPECT(decided == PROXY_INCOMPLETE || head == decided, "what is decided stays");
    EXPECT(head == PROXY_INCOMPLETE || head == outcome, "the outcome of the whole");
    EXPECT(head <= 0 || (proxied.family == whole.family && memcmp(proxied.address, whole.address, 16) == 0), "the same address");
    EXPECT(head <= 0 || (size_t)head <= known, "known by its last byte");
    decided = head;
  }
  return count;
}

uint64_t fuzz_proxy(void) {
  static uint8_t bytes[8192];
  return check_head(bytes, generate_head(bytes, 5100));
}

// Vectors: lines "stream LIMIT HEX" or "proxy HEX". Each is tried in every chunking (streams up to 600 bytes: cut at every place)
// and answered with one line.

static uint32_t from_hex(const char *hex, uint8_t *out, uint32_t size) {
  uint32_t count = 0;
  unsigned byte;
  for (; count < size && sscanf(hex, "%2x", &byte) == 1; hex += 2) out[count++] = (uint8_t)byte;
  return count;
}

static void answer_stream(void) {
  static const char *const VERDICTS[] = {"open", "stopped", "BAD_FRAME", "FRAME_TOO_LARGE", "BUSY"};
  read_all();
  feed(one_byte, SIZE_MAX / 2, 0);
  for (uint32_t at = 1; at <= stream_length && at <= 600; at++) {
    split_at = at;
    feed(split_size, SIZE_MAX / 2, 0);
  }
  for (size_most = 2; size_most < 700; size_most = 2 * size_most + 1) feed(random_size, SIZE_MAX / 2, 0);
  printf("%s", VERDICTS[expected_verdict]);
  for (uint32_t i = 0; i < expected_count; i++) {
    printf(" %u:", expected[i].header);
    for (uint32_t at = expected[i].start; at < expected[i].end; at++) printf("%02x", stream_bytes[at]);
  }
  printf("\n");
}

static void answer_proxy(const uint8_t *bytes, uint32_t length) {
  struct proxied proxied;
  char text[INET6_ADDRSTRLEN] = "-";
  check_head(bytes, length);
  int head = read_proxy(bytes, length, &proxied);
  if (head > 0 && proxied.family != AF_UNSPEC) inet_ntop(proxied.family, proxied.address, text, sizeof text);
  printf("%d %s\n", head, text);
}

int answer_vectors(void) {
  static char line[4 * STREAM_BYTES_MAX], hex[4 * STREAM_BYTES_MAX];
  target_name = "vectors";
  while (fgets(line, sizeof line, stdin)) {
    hex[0] = 0;
    if (sscanf(line, "stream %u %s", &limit, hex) >= 1) {
      stream_length = from_hex(hex, stream_bytes, sizeof stream_bytes);
      answer_stream();
    } else if (strncmp(line, "proxy", 5) == 0) {
      static uint8_t bytes[8192];
      sscanf(line, "proxy %s", hex);
      answer_proxy(bytes, from_hex(hex, bytes, sizeof bytes));
    }
  }
  return 0;
}
