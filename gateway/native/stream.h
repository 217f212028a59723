// One connection's bytes, cut into frames (proto/SPEC.md, section 2; the same rules as proto/frame-reader.ts). Pure: no
// socket, no clock, no JavaScript, so that it can be fuzzed alone.
//
// Bytes are read into a buffer shared by all connections, and frames are handed out where they lie there. Only what an
// unfinished frame left behind is kept, in memory that lives until that frame is whole.
// Invariants: held->length is at least 1 and below the length of its frame; the budget's `used` is the sum of all held lengths.
#ifndef HAWSER_STREAM_H
#define HAWSER_STREAM_H
#include <stddef.h>
#include <stdint.h>

#define LENGTH_BYTES_MAX 4
#define LENGTH_INCOMPLETE (-1)
#define LENGTH_INVALID (-2)
#define BEAT 0 // the header that stands for a beat; no frame has it

struct held {
  uint32_t length, capacity;
  uint8_t bytes[];
};

struct stream {
  struct held *held; // NULL: no frame is unfinished
  uint32_t limit;    // largest length value accepted
};

// Bytes of unfinished frames, of all connections together. Memory is less than twice as much where frames are larger than 64 bytes;
// the smallest that is held takes 72, and malloc adds its own.
struct budget {
  size_t used, max;
};

enum verdict { STREAM_OPEN, STREAM_STOPPED, STREAM_BAD_FRAME, STREAM_FRAME_TOO_LARGE, STREAM_BUSY };

// One whole frame; its body is buffer[start, end). Returns 0 to stop: the stream must not be touched any more then.
typedef int (*frame_sink)(void *owner, uint8_t header, uint32_t start, uint32_t end);

// Reads a length prefix. Returns its size with the value in *value, LENGTH_INCOMPLETE, or LENGTH_INVALID (over 4 bytes, or not minimal).
int read_length(const uint8_t *bytes, size_t count, uint32_t *value);

// Bytes to leave free in the buffer in front of those that are read next.
static inline size_t stream_gap(const struct stream *stream) { return stream->held ? stream->held->length : 0; }

// Takes `count` new bytes, which lie in `buffer` behind a gap of stream_gap() at `at`. *used is where the last frame handed out ends
// (`at`, if there was none). After anything but STREAM_OPEN nothing is held, and the stream is not to be fed again.
enum verdict stream_take(struct stream *stream, struct budget *budget, uint8_t *buffer, size_t at, size_t count, frame_sink sink, void *owner, size_t *used);

// Adds to what is held; `total`, if not 0, is what it will be in the end. Returns 0 when that is more than the budget has.
int stream_hold(struct stream *stream, struct budget *budget, const uint8_t *bytes, size_t count, size_t total);

// Lets go of what is held.
void stream_clear(struct stream *stream, struct budget *budget);
#endif
