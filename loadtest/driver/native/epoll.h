// What connections.c and addon.c share: one wire, its connections, and the layout of the two buffers that ../epoll.ts
// reads and writes.
#ifndef HAWSER_EPOLL_H
#define HAWSER_EPOLL_H
#define NAPI_VERSION 8
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define EVENTS_MAX 128
#define ROUNDS_MAX 8
#define READ_BYTES_MAX (64 * 1024)
#define BACKLOG_BYTES_MAX (4 * 1024 * 1024) // WIRE_BACKLOG_BYTES_MAX
#define LINGER_MS 5000                      // WIRE_LINGER_MS
#define TICK_MS 100
#define THROTTLED_RECEIVE_BUFFER 2048
// As on a mobile network; the least that every IPv4 host takes.
#define THROTTLED_SEGMENT 536
#define IOVECS_MAX 64
#define COMMANDS_START 16 // the first word of the command buffer says how far it is filled
#define NO_SLOT UINT32_MAX

// Shared with ../epoll.ts: commands, and records with `length` above 0 for data, 0 for opened, below 0 for closed.
enum { OP_WRITE, OP_CONNECT, OP_CLOSE, OP_RESET, OP_THROTTLE };
#define CLOSED_BY_PEER (-10000) // otherwise −errno

struct command {
  uint32_t op, slot, length, next; // next: the connection's next write of this turn, filled in here
  uint32_t arguments[];            // length bytes, padded to 4
};

struct record {
  uint32_t slot, generation;
  int32_t length;
  uint8_t bytes[]; // padded to 4
};

struct backlog {
  uint32_t start, end, capacity;
  uint8_t bytes[];
};

enum { FREE, CONNECTING, OPEN, LEAVING, LINGERING }; // LEAVING: closed, has a backlog. LINGERING: said FIN, awaits the peer's

// By descriptor: all that an idle connection costs, apart from its entry in slot_fd.
struct connection {
  uint32_t slot, generation;
  uint32_t head, tail; // commands to write in this turn, by offset; head is 0 when there are none
  int32_t timed;       // index in wire.timed, or −1
  uint8_t state, interest, error; // error: errno of a send that failed, told once reading has come to the end
  struct backlog *backlog;
};

// The few that the timer looks at: throttled ones (rate above 0), and those that must be gone by `deadline`.
struct timed {
  int fd;
  uint32_t rate;
  double credit;
  uint64_t deadline;
};

// A connection that was never made, or was reset here: to be told when no call of the owner's is under way.
struct failure {
  uint32_t slot, generation;
  int error;
};

struct wire {
  napi_env env;
  napi_ref callback, buffers[3];
  napi_async_cleanup_hook_handle hook;
  uv_loop_t *loop;
  uv_poll_t poll;
  uv_prepare_t prepare;
  uv_timer_t timer;
  uint64_t ticked_at;
  int epoll, handles, holders, destroyed;
  uint32_t slots;
  int32_t *slot_fd;
  struct connection *connections; // by descriptor
  int connections_size;
  uint8_t *in, *out;
  size_t in_size, in_used, out_size;
  double *stats; // bytes in, bytes out, backlog bytes
  int *touched;  // descriptors with writes in this turn
  struct timed *timed;
  int timed_count, timed_size;
  struct failure *failures;
  int failures_count, failures_size;
};

// connections.c. None of these calls JavaScript.
// Carries out the commands in order, but writes last, so that all of a connection's go out together.
void flush(struct wire *wire);
// One ready socket. Adds at most two record heads and `limit` bytes.
void handle(struct wire *wire, int fd, uint32_t events, size_t limit);
// Reads from throttled connections what they may read after so much time, and ends those whose time is up.
void tick(struct wire *wire, double seconds);
// What one of `left` connections may put into the record buffer, so that all of them find room; 0: it is full.
size_t share_of(struct wire *wire, int left);
// Appends a record; bytes, if any, lie in place already.
void put(struct wire *wire, uint32_t slot, uint32_t generation, int32_t length);
void drop(struct wire *wire, int fd, int with_reset);

// addon.c
void start_ticking(struct wire *wire);
#endif
