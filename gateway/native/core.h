// What connections.c and addon.c share: one listener with its connections, and the layout of the memory that
// ../accept/native-tcp.ts reads.
#ifndef HAWSER_CORE_H
#define HAWSER_CORE_H
#define NAPI_VERSION 8
#include "stream.h"
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define ROUNDS_MAX 4
#ifndef FRAMES_MAX // the fuzzer has smaller ones, and meets their ends more often
#define EVENTS_MAX 256
#define ACCEPTS_MAX 256 // in a round
#define FRAMES_MAX 1024
#define OTHERS_MAX 1024
#endif
#define OPENED_MAX (4096 + ACCEPTS_MAX) // all that may wait in an accept queue, at the end
#define READ_BYTES_MAX (64 * 1024)
#define BEAT_GAP_MS 500 // as in ../accept/transport.ts
#define QUEUE_BYTES_MAX (64u * 1024 * 1024) // the outbox stays far below
#define TICK_MS 250
#define TICKS_PER_SWEEP 4 // each slot is looked at once a second
#define LATE_MS 1000 // a tick this much behind its time: the process stood still
#define ADDRESS_BYTES 48

// Shared with ../accept/native-tcp.ts. What is told in one call: connections that were opened, whole frames, and then of
// single slots that they are broken, idle, drained or closed. In this order, a slot's story is told as it was.
enum { TOLD_OPENED, TOLD_FRAMES, TOLD_OTHERS, TOLD_COUNT };
enum { BROKEN_BAD_FRAME, BROKEN_FRAME_TOO_LARGE, BROKEN_BUSY, IDLE, DRAINED, CLOSED };
enum { STAT_BYTES_READ, STAT_BYTES_SENT, STAT_BEATS_ANSWERED, STAT_FAILED_HANDSHAKES, STAT_SLOTS_TAKEN, STAT_UNFINISHED_BYTES, STAT_COUNT };
enum { SENT, BUFFERED, DROPPED }; // WriteResult

struct frame_entry {
  int32_t slot, header, start, end;
};
struct other_entry {
  int32_t slot, kind;
};
struct opened_entry {
  int32_t slot;
  uint32_t age_ms; // since its socket was accepted
  char address[ADDRESS_BYTES];
};

// What the kernel did not take yet. Exists only while there is something.
struct queue {
  uint32_t start, end, capacity;
  uint8_t bytes[];
};

// LEAVING: closed here, or by a peer that may still read; its queue is sent first. LINGERING: said FIN, reads on into nothing.
// ENDED: the descriptor is gone, and JavaScript is not told yet.
enum { FREE, PROXY, OPEN, LEAVING, LINGERING, ENDED };

// By slot: with its place in the list of free ones all that an idle connection costs.
struct connection {
  struct queue *queue;
  struct stream stream;
  uint32_t at;      // when bytes came last, in ms of the core's clock; of one that is closing: when it must be gone
  uint32_t gap_max; // longest pause between arrivals; of one that owes its PROXY header: when it was accepted
  uint32_t idle_ms; // 0: never told idle, or it was
  int fd;
  uint16_t generation; // of the slot, so that an event of its former connection is known as such
  uint8_t state;
  uint8_t watched : 1, paused : 1, deaf : 1, failed : 1; // deaf: broken, never read again; failed: nothing can be sent any more
  uint8_t interest : 2; // bit 0: EPOLLIN, bit 1: EPOLLOUT
};

#define OUT_BYTES (64 * 1024)

// One ArrayBuffer for both sides; JavaScript learns the offsets from the addon's `layout`. Of `told` the counts of what is told now.
struct shared {
  uint32_t told[4];
  double stats[STAT_COUNT];
  struct frame_entry frames[FRAMES_MAX];
  struct other_entry others[OTHERS_MAX];
  struct opened_entry opened[OPENED_MAX];
  uint8_t out[OUT_BYTES]; // what is to be sent next
  uint8_t in[];           // what was read
};

// Addresses that agree in their first bits; IPv4 in its IPv6 form. As IpRanges.flat() has them.
struct range {
  uint8_t bits, address[16];
};

struct core {
  napi_env env;
  napi_ref callback, memory;
  napi_async_cleanup_hook_handle hook;
  uv_loop_t *loop;
  uv_poll_t poll;
  uv_timer_t timer;
  int epoll, listener, listener_off, handles, holders, destroyed;
  uint32_t slots, slot_first, slot_end; // slot_end: none at or above this was ever used
  uint32_t frame_limit, linger_ms, handshake_ms;
  struct range *trusted; // who may write PROXY headers; NULL: anybody
  size_t trusted_count;
  int proxied, answers_beat, sweep_turn, unjudged; // unjudged: ticks to come in which nobody is given up
  uint32_t ticked_at;
  struct connection *connections;
  int32_t *free_slots;
  uint32_t free_count;
  struct budget unfinished;
  struct shared *shared;
  size_t in_size, in_used;
  uint32_t frames_count, others_count, opened_count;
};

// connections.c. Of these only `ready`, `tick` and `end_all` call JavaScript, by deliver().
// Listens; returns 0 or -errno.
int core_listen(struct core *core, const char *host, int port, int share_port);
int core_port(struct core *core);
// Accepts what the kernel has accepted already, then listens no more.
void core_stop_listening(struct core *core);
void core_ready(struct core *core);
void core_tick(struct core *core);
// Ends every connection, and tells so.
void core_end_all(struct core *core);
// Frees everything but the core; tells nothing.
void core_free(struct core *core);
// After JavaScript was told of `opened` connections and `others`.
void core_told(struct core *core, uint32_t opened, uint32_t others);

int core_send(struct core *core, uint32_t slot, const uint8_t *bytes, size_t count);
void core_close(struct core *core, uint32_t slot);
void core_pause(struct core *core, uint32_t slot, int paused);
uint32_t core_buffered(struct core *core, uint32_t slot);
void core_set_frame_limit(struct core *core, uint32_t slot, uint32_t bytes);
void core_watch(struct core *core, uint32_t slot, uint32_t idle_ms);
uint32_t core_quiet_ms(struct core *core, uint32_t slot);
uint32_t core_take_gap(struct core *core, uint32_t slot);
// µs; 0: not known.
uint32_t core_round_trip(struct core *core, uint32_t slot);
int core_is_open(struct core *core, uint32_t slot);

// addon.c: hands over what was gathered, in one call.
void deliver(struct core *core);
#endif
