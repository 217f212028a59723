// See stream.h.
#include "stream.h"
#include <stdlib.h>
#include <string.h>

#define HELD_BYTES_MIN 64
#define TYPE_MASK 0x1f
#define RESERVED_BIT 0x80

int read_length(const uint8_t *bytes, size_t count, uint32_t *value) {
  uint32_t sum = 0;
  for (size_t i = 0; i < LENGTH_BYTES_MAX; i++) {
    if (i >= count) return LENGTH_INCOMPLETE;
    uint8_t byte = bytes[i];
    sum |= (uint32_t)(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) return LENGTH_INVALID;
      *value = sum;
      return (int)i + 1;
    }
  }
  return LENGTH_INVALID;
}

void stream_clear(struct stream *stream, struct budget *budget) {
  if (!stream->held) return;
  budget->used -= stream->held->length;
  free(stream->held);
  stream->held = NULL;
}

int stream_hold(struct stream *stream, struct budget *budget, const uint8_t *bytes, size_t count, size_t total) {
  struct held *held = stream->held;
  size_t length = held ? held->length : 0, needed = length + count;
  if (count > budget->max - budget->used) return 0;
  if (!held || needed > held->capacity) {
    // Grows with the bytes that came, not with the length that was claimed.
    size_t capacity = held ? 2 * (size_t)held->capacity : HELD_BYTES_MIN;
    if (capacity < needed) capacity = needed;
    if (total >= needed && capacity > total) capacity = total;
    struct held *larger = realloc(held, sizeof *larger + capacity);
    if (!larger) return 0;
    larger->length = (uint32_t)length;
    larger->capacity = (uint32_t)capacity;
    stream->held = held = larger;
  }
  memcpy(held->bytes + length, bytes, count);
  held->length = (uint32_t)needed;
  budget->used += count;
  return 1;
}

static enum verdict end_with(struct stream *stream, struct budget *budget, enum verdict verdict) {
  stream_clear(stream, budget);
  return verdict;
}

static enum verdict hold(struct stream *stream, struct budget *budget, const uint8_t *bytes, size_t count, size_t total) {
  if (stream_hold(stream, budget, bytes, count, total)) return STREAM_OPEN;
  return end_with(stream, budget, STREAM_BUSY);
}

enum verdict stream_take(struct stream *stream, struct budget *budget, uint8_t *buffer, size_t at, size_t count, frame_sink sink, void *owner, size_t *used) {
  size_t gap = stream_gap(stream), end = at + gap + count;
  uint32_t length;
  *used = at;
  if (gap > 0) {
    // Whether the frame is whole now shows in its first bytes; until then what came before is not moved again.
    uint8_t first[LENGTH_BYTES_MAX];
    size_t known = 0;
    for (; known < LENGTH_BYTES_MAX && known < gap; known++) first[known] = stream->held->bytes[known];
    for (; known < LENGTH_BYTES_MAX && known < gap + count; known++) first[known] = buffer[at + known];
    int prefix = read_length(first, known, &length);
    if (prefix == LENGTH_INVALID) return end_with(stream, budget, STREAM_BAD_FRAME);
    if (prefix == LENGTH_INCOMPLETE) return hold(stream, budget, buffer + at + gap, count, 0);
    if (length > stream->limit) return end_with(stream, budget, STREAM_FRAME_TOO_LARGE);
    if ((size_t)prefix + length > gap + count) return hold(stream, budget, buffer + at + gap, count, (size_t)prefix + length);
    memcpy(buffer + at, stream->held->bytes, gap);
    stream_clear(stream, budget);
  }
  while (at < end) {
    int prefix = read_length(buffer + at, end - at, &length);
    if (prefix == LENGTH_INVALID) return STREAM_BAD_FRAME;
    if (prefix == LENGTH_INCOMPLETE) return hold(stream, budget, buffer + at, end - at, 0);
    if (length > stream->limit) return STREAM_FRAME_TOO_LARGE;
    size_t body = at + (size_t)prefix, next = body + length;
    if (next > end) return hold(stream, budget, buffer + at, end - at, next - at);
    uint8_t header = BEAT;
    if (length > 0) {
      header = buffer[body++];
      if ((header & RESERVED_BIT) || !(header & TYPE_MASK)) return STREAM_BAD_FRAME;
    }
    *used = at = next;
    if (!sink(owner, header, (uint32_t)body, (uint32_t)next)) return STREAM_STOPPED;
  }
  return STREAM_OPEN;
}
