// The connections of a core over a kernel and peers that are made up: every call may fail, take half, or come at a bad
// moment, and commands come from inside and outside of what is told, as the gateway gives them. Held against the contract
// of gateway/accept/transport.ts and against what the peers have sent and were sent.
//
// What is written to a peer are the bytes 1 … 255 over and over, so that each byte has its place; beats that the core answers
// are the zeros among them.
#define _GNU_SOURCE
#include "../core.h"
#include "fuzz.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int fake_accept4(int, struct sockaddr *, socklen_t *, int);
static ssize_t fake_recv(int, void *, size_t, int);
static ssize_t fake_send(int, const void *, size_t, int);
static int fake_close(int);
static int fake_shutdown(int, int);
static int fake_epoll_ctl(int, int, int, struct epoll_event *);
static int fake_epoll_wait(int, struct epoll_event *, int, int);
static int fake_getpeername(int, struct sockaddr *, socklen_t *);
static int fake_getsockopt(int, int, int, void *, socklen_t *);
#define accept4 fake_accept4
#define recv fake_recv
#define send fake_send
#define close fake_close
#define shutdown fake_shutdown
#define epoll_ctl fake_epoll_ctl
#define epoll_wait fake_epoll_wait
#define getpeername fake_getpeername
#define getsockopt fake_getsockopt
#include "../connections.c"

enum { PEERS = 24, SLOTS = 16, SLOT_FIRST = 100, SENT_MAX = 8192, FD_FIRST = 10, LISTENER_FD = 3, LIMIT = 600, LINGER = 1000, HANDSHAKE = 2000, OUT_OF_BAND = 1 << 20, ROOM = 500 };
enum { ABSENT, QUEUED, TAKEN, CLOSED_HERE };

struct peer {
  int state, reset, fin, server_shut, ending;
  uint32_t interest;
  uint64_t data;
  // To the core: bytes sent, taken by it, and told as frames. Whole frames, mostly.
  uint8_t sent[SENT_MAX];
  uint32_t sent_count, taken, told_at, head;
  uint32_t taken_at, watched_at; // when bytes were taken last
  // From the core: room in the kernel, bytes that came, beats among them.
  uint32_t room, came, beats, wrote;
  int leaves; // said FIN, or was closed
  uint32_t leaves_at;
};

static struct peer peers[PEERS];
static int of_slot[SLOTS]; // peer, or -1
static int closing[SLOTS], broken[SLOTS], idle_told[SLOTS];
static uint32_t watched_idle[SLOTS];
static struct core world;
static struct shared *memory;
static uint32_t clock_ms;
static int in_command, in_end, stood_still;
static uint64_t steps;

uint64_t uv_now(const uv_loop_t *loop) {
  (void)loop;
  return clock_ms;
}

static struct peer *peer_of(int fd) {
  EXPECT(fd >= FD_FIRST && fd < FD_FIRST + PEERS && peers[fd - FD_FIRST].state == TAKEN, "a descriptor that is open");
  return &peers[fd - FD_FIRST];
}

static void leave(struct peer *peer) {
  if (!peer->leaves) peer->leaves_at = clock_ms;
  peer->leaves = 1;
}

static int fail_with(int error) {
  errno = error;
  return -1;
}

static int fake_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  (void)flags;
  EXPECT(fd == LISTENER_FD, "the listener");
  if (chance(4)) return fail_with(chance(50) ? EMFILE : ECONNABORTED);
  for (int i = 0; i < PEERS; i++) {
    if (peers[i].state != QUEUED) continue;
    peers[i].state = TAKEN;
    peers[i].taken_at = clock_ms;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)i)};
    memcpy(address, &from, sizeof from);
    *size = sizeof from;
    return FD_FIRST + i;
  }
  return fail_with(EAGAIN);
}

static ssize_t fake_recv(int fd, void *bytes, size_t size, int flags) {
  struct peer *peer = peer_of(fd);
  if (chance(3)) return fail_with(chance(50) ? EAGAIN : EINTR);
  if (peer->reset) return peer->reset++ == 1 ? fail_with(ECONNRESET) : 0;
  size_t count = peer->sent_count - peer->taken;
  if (count == 0) return peer->fin ? 0 : fail_with(EAGAIN);
  if (count > size) count = size;
  if (chance(50)) count = 1 + below((uint32_t)count);
  if (!(flags & MSG_TRUNC)) memcpy(bytes, peer->sent + peer->taken, count);
  peer->taken += (uint32_t)count;
  peer->taken_at = clock_ms;
  return (ssize_t)count;
}

static ssize_t fake_send(int fd, const void *bytes, size_t count, int flags) {
  struct peer *peer = peer_of(fd);
  (void)flags;
  EXPECT(count > 0 && !peer->server_shut, "sends something, before its end");
  if (chance(3)) return fail_with(EAGAIN);
  if (peer->reset) return fail_with(peer->reset++ == 1 ? ECONNRESET : EPIPE);
  if (peer->room == 0) return fail_with(EAGAIN);
  if (count > peer->room) count = peer->room;
  if (chance(20)) count = 1 + below((uint32_t)count);
  peer->room -= (uint32_t)count;
  for (size_t i = 0; i < count; i++) {
    uint8_t byte = ((const uint8_t *)bytes)[i];
    if (byte == 0) peer->beats++;
    else EXPECT(byte == 1 + peer->came++ % 255, "bytes in their order, each once");
  }
  return (ssize_t)count;
}

static int fake_shutdown(int fd, int how) {
  struct peer *peer = peer_of(fd);
  EXPECT(how == SHUT_WR && !peer->server_shut, "one end");
  EXPECT(peer->came == peer->wrote || peer->reset, "says its end when all is sent");
  peer->server_shut = 1;
  return peer->reset ? fail_with(ENOTCONN) : 0;
}

static int fake_close(int fd) {
  if (fd == LISTENER_FD) return 0;
  struct peer *peer = peer_of(fd);
  EXPECT(!in_command, "no connection ends inside of a command");
  EXPECT(peer->came == peer->wrote || peer->reset || in_end || (peer->leaves && clock_ms - peer->leaves_at >= LINGER),
         "nobody is cut off before everything is sent, or its time is over");
  peer->state = CLOSED_HERE;
  return 0;
}

static int fake_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event) {
  (void)epoll;
  if (fd == LISTENER_FD) return 0;
  struct peer *peer = peer_of(fd);
  if (what == EPOLL_CTL_ADD && chance(2)) return fail_with(ENOMEM);
  EXPECT((event->events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) == 0, "reading and writing only");
  peer->interest = event->events;
  peer->data = event->data.u64;
  return 0;
}

static uint32_t events_of(const struct peer *peer) {
  uint32_t events = 0;
  if (peer->sent_count > peer->taken || peer->fin || peer->reset) events |= EPOLLIN;
  if (peer->room > 0 || peer->reset) events |= EPOLLOUT;
  events &= peer->interest;
  if (peer->reset || (peer->fin && peer->server_shut)) events |= EPOLLHUP;
  return events;
}

static int fake_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
  (void)epoll, (void)timeout;
  int count = 0, first = (int)below(PEERS + 1);
  for (int i = 0; i <= PEERS && count < most; i++) {
    int which = (first + i) % (PEERS + 1);
    if (which == PEERS) {
      for (int k = 0; k < PEERS; k++)
        if (peers[k].state == QUEUED && world.listener >= 0) {
          events[count++] = (struct epoll_event){.events = EPOLLIN, .data.u64 = LISTENER};
          break;
        }
    } else if (peers[which].state == TAKEN && events_of(&peers[which]) != 0) {
      events[count++] = (struct epoll_event){.events = events_of(&peers[which]), .data.u64 = peers[which].data};
    }
  }
  return count;
}

static int fake_getpeername(int fd, struct sockaddr *address, socklen_t *size) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)(fd - FD_FIRST))};
  memcpy(address, &from, sizeof from);
  *size = sizeof from;
  return 0;
}

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
  (void)fd, (void)level, (void)name, (void)size;
  ((struct tcp_info *)value)->tcpi_rtt = 1000;
  return 0;
}

// What the gateway does

static void some_command(void) {
  uint32_t index = below(SLOTS + 2), slot = SLOT_FIRST - 1 + index, others = world.others_count;
  struct peer *peer = index >= 1 && index <= SLOTS && of_slot[index - 1] >= 0 ? &peers[of_slot[index - 1]] : NULL;
  in_command = 1;
  switch (below(9)) {
    case 0:
    case 1:
    case 2: {
      uint8_t bytes[3000];
      uint32_t count = chance(90) ? below(100) : below(3000);
      for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)(1 + (peer ? peer->wrote + i : i) % 255);
      // Accepted, and not told yet: nobody knows of it.
      if (!peer && core_is_open(&world, slot)) break;
      uint32_t before = peer ? peer->came : 0, waited = core_buffered(&world, slot);
      int result = core_send(&world, slot, bytes, count);
      EXPECT(peer || result == DROPPED, "nothing is sent to nobody");
      if (!peer) break;
      EXPECT(result == DROPPED || !closing[index - 1], "nothing is sent after a close");
      if (result != DROPPED) peer->wrote += count;
      else EXPECT(peer->came == before, "what was dropped was not sent");
      EXPECT(result != SENT || core_buffered(&world, slot) == 0, "sent is sent");
      EXPECT(result != BUFFERED || core_buffered(&world, slot) > 0, "what is buffered is counted");
      EXPECT(waited + count >= core_buffered(&world, slot), "no more waits than was given");
      break;
    }
    case 3:
      if (chance(70) || (!peer && core_is_open(&world, slot))) break;
      if (peer) leave(peer);
      core_close(&world, slot);
      if (peer) closing[index - 1] = 1;
      break;
    case 4: core_pause(&world, slot, (int)below(2)); break;
    case 5:
      if (peer && !closing[index - 1] && core_is_open(&world, slot)) {
        watched_idle[index - 1] = chance(20) ? 0 : 1 + below(5000);
        idle_told[index - 1] = 0;
        peer->watched_at = clock_ms;
        core_watch(&world, slot, watched_idle[index - 1]);
      }
      break;
    case 6: core_set_frame_limit(&world, slot, LIMIT); break;
    case 7:
      EXPECT(core_quiet_ms(&world, slot) < OUT_OF_BAND, "quiet since the start at most");
      EXPECT(core_take_gap(&world, slot) < OUT_OF_BAND && core_take_gap(&world, slot) == 0, "a gap is taken");
      core_round_trip(&world, slot);
      break;
    default:
      in_command = 0; // accepts, and refuses some
      if (world.listener >= 0 && chance(3)) core_stop_listening(&world);
  }
  in_command = 0;
  EXPECT(world.others_count == others, "nothing is told from inside of a command");
}

// The next frame of what the peer sent must be this one; beats before it may have been answered by the core.
static void check_frame(struct peer *peer, const struct frame_entry *frame) {
  for (;;) {
    uint32_t length, at = peer->told_at;
    EXPECT(at < peer->sent_count, "no frame that was not sent");
    int prefix = read_length(peer->sent + at, peer->sent_count - at, &length);
    EXPECT(prefix > 0 && at + (uint32_t)prefix + length <= peer->taken, "a frame that has come");
    peer->told_at = at + (uint32_t)prefix + length;
    if (length == 0 && (frame->header != BEAT || frame->start != frame->end)) continue;
    if (length == 0) return;
    EXPECT(frame->header == peer->sent[at + (uint32_t)prefix], "frames in order");
    EXPECT((uint32_t)(frame->end - frame->start) == length - 1, "of the same length");
    EXPECT(memcmp(memory->in + frame->start, peer->sent + at + (uint32_t)prefix + 1, length - 1) == 0, "with the same bytes");
    return;
  }
}

static void check_opened(const struct opened_entry *entry) {
  unsigned a, number;
  uint32_t index = (uint32_t)entry->slot - SLOT_FIRST;
  EXPECT(index < SLOTS && of_slot[index] < 0, "a slot is opened once");
  EXPECT(sscanf(entry->address, "%u.0.0.%u", &a, &number) == 2, "an address");
  EXPECT((int)a == (world.proxied ? 192 : 10) && number - 1 < PEERS && peers[number - 1].state != ABSENT, "that of the peer");
  struct peer *peer = &peers[number - 1];
  of_slot[index] = (int)number - 1;
  closing[index] = broken[index] = idle_told[index] = 0;
  watched_idle[index] = 0;
  peer->told_at = peer->head;
}

static void check_other(const struct other_entry *entry) {
  uint32_t index = (uint32_t)entry->slot - SLOT_FIRST;
  EXPECT(index < SLOTS && of_slot[index] >= 0, "of a slot that is open");
  struct peer *peer = &peers[of_slot[index]];
  switch (entry->kind) {
    case IDLE:
    case DRAINED: break;
    case CLOSED:
      EXPECT(peer->state == CLOSED_HERE, "closed is closed");
      of_slot[index] = -1;
      // Its place is free for another.
      peer->state = ABSENT;
      break;
    default: EXPECT(!broken[index]++, "broken is told once");
  }
}

// Before any command: one of them may watch the slot anew.
static void check_idle(uint32_t index) {
  EXPECT(!stood_still, "nobody is given up before what came meanwhile is read");
  EXPECT(index < SLOTS && of_slot[index] >= 0 && watched_idle[index] > 0 && !idle_told[index]++, "idle is told once, where it was asked for");
  EXPECT(clock_ms - peers[of_slot[index]].taken_at >= watched_idle[index], "and only after silence");
}

void deliver(struct core *core) {
  uint32_t opened = core->opened_count, others = core->others_count;
  if (opened + others + core->frames_count == 0) return;
  for (uint32_t i = 0; i < others; i++)
    if (memory->others[i].kind == IDLE) check_idle((uint32_t)memory->others[i].slot - SLOT_FIRST);
  EXPECT(others <= OTHERS_MAX && core->frames_count <= FRAMES_MAX && opened <= OPENED_MAX, "no table runs over");
  for (uint32_t i = 0; i < opened; i++) check_opened(&memory->opened[i]);
  int was_closing[SLOTS];
  memcpy(was_closing, closing, sizeof closing);
  if (chance(30)) some_command();
  for (uint32_t i = 0; i < core->frames_count; i++) {
    uint32_t index = (uint32_t)memory->frames[i].slot - SLOT_FIRST;
    EXPECT(index < SLOTS && of_slot[index] >= 0, "frames of an open slot");
    EXPECT(!was_closing[index], "none in a call after its close");
    check_frame(&peers[of_slot[index]], &memory->frames[i]);
    if (chance(10)) some_command();
  }
  for (uint32_t i = 0; i < others; i++) {
    check_other(&memory->others[i]);
    if (chance(20)) some_command();
  }
  core->frames_count = core->others_count = 0;
  core->in_used = 0;
  core_told(core, opened, others);
}

// What the peers do

static void add_bytes(struct peer *peer, const void *bytes, uint32_t count) {
  if (count > SENT_MAX - peer->sent_count) count = SENT_MAX - peer->sent_count;
  memcpy(peer->sent + peer->sent_count, bytes, count);
  peer->sent_count += count;
}

static void connect_peer(int number) {
  struct peer *peer = &peers[number];
  if (peer->state != ABSENT) return;
  memset(peer, 0, sizeof *peer);
  peer->state = QUEUED;
  peer->room = below(3000);
  if (!world.proxied) return;
  char head[64];
  int length = snprintf(head, sizeof head, chance(95) ? "PROXY TCP4 192.0.0.%d 10.0.0.1 1 2\r\n" : "PROXY %d\r\n", number + 1);
  add_bytes(peer, head, (uint32_t)length);
  peer->head = peer->sent_count;
}

static void send_more(struct peer *peer) {
  uint8_t frame[LIMIT + 16];
  for (uint32_t frames = 1 + below(5); frames > 0; frames--) {
    uint32_t length = chance(30) ? 0 : 1 + (chance(90) ? below(60) : below(LIMIT)), count = 0;
    if (chance(1)) length = LIMIT + 1;
    if (length >= 128) frame[count++] = (uint8_t)(length | 128), frame[count++] = (uint8_t)(length >> 7);
    else frame[count++] = (uint8_t)length;
    for (uint32_t i = 0; i < length; i++) frame[count++] = i == 0 ? (uint8_t)(1 + below(31)) : (uint8_t)random64();
    if (chance(1)) frame[below(count)] = (uint8_t)random64();
    add_bytes(peer, frame, count);
  }
}

static void peer_step(void) {
  int number = (int)below(PEERS);
  struct peer *peer = &peers[number];
  if (peer->state == ABSENT) {
    connect_peer(number);
    return;
  }
  if (peer->state == CLOSED_HERE) {
    // Never told open, or its end is still to be told.
    for (int i = 0; i < SLOTS; i++)
      if (of_slot[i] == number) return;
    for (uint32_t i = 0; i < world.opened_count; i++) return;
    peer->state = ABSENT;
    return;
  }
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (!peer->fin) send_more(peer);
      break;
    case 4:
    case 5: peer->room += below(4000); break;
    case 6:
      if (chance(15)) peer->fin = 1, leave(peer);
      break;
    default:
      if (chance(10)) peer->reset = 1;
  }
}

static void begin_world(void) {
  if (!memory) memory = calloc(1, sizeof *memory + LIMIT + 8 + READ_BYTES_MAX + ROOM);
  memset(&world, 0, sizeof world);
  memset(peers, 0, sizeof peers);
  memset(memory->stats, 0, sizeof memory->stats);
  world.shared = memory;
  world.in_size = LIMIT + 8 + READ_BYTES_MAX + ROOM;
  world.listener = LISTENER_FD;
  world.slots = world.free_count = SLOTS;
  world.slot_first = SLOT_FIRST;
  world.frame_limit = LIMIT, world.linger_ms = LINGER, world.handshake_ms = HANDSHAKE;
  world.proxied = chance(30);
  world.unfinished.max = chance(80) ? 1 << 20 : 400;
  world.connections = calloc(SLOTS, sizeof *world.connections);
  world.free_slots = malloc(SLOTS * sizeof *world.free_slots);
  for (int i = 0; i < SLOTS; i++) world.free_slots[i] = SLOTS - 1 - i, of_slot[i] = -1;
  clock_ms = chance(50) ? 1000 : UINT32_MAX - below(20000); // it wraps
  world.ticked_at = clock_ms;
  in_end = in_command = stood_still = 0;
}

uint64_t fuzz_kernel(void) {
  begin_world();
  uint64_t count = 200 + below(400);
  for (steps = 0; steps < count; steps++) {
    switch (below(8)) {
      case 0:
      case 1:
      case 2: peer_step(); break;
      case 3: some_command(); break;
      case 4: {
        uint32_t passed = chance(90) ? below(300) : below(3000);
        clock_ms += passed;
        stood_still = passed > TICK_MS + LATE_MS;
        if (chance(20)) core_ready(&world);
        core_tick(&world);
        stood_still = 0;
        break;
      }
      default: core_ready(&world);
    }
  }
  // Whoever is gone is found out, paused, broken or closing.
  int reset[PEERS];
  for (int i = 0; i < PEERS; i++) reset[i] = peers[i].state == TAKEN && peers[i].reset;
  for (int i = 0; i < 40; i++) core_ready(&world);
  for (int i = 0; i < PEERS; i++) EXPECT(!reset[i] || peers[i].state != TAKEN || !peers[i].reset, "a reset is noticed");
  in_end = 1;
  core_stop_listening(&world);
  core_end_all(&world);
  deliver(&world);
  for (int i = 0; i < SLOTS; i++) EXPECT(of_slot[i] < 0, "everybody is told closed");
  EXPECT(memory->stats[STAT_SLOTS_TAKEN] == 0 && world.free_count == SLOTS, "all slots are free");
  EXPECT(world.unfinished.used == 0, "nothing unfinished is left");
  uint64_t seen = 0;
  for (int i = 0; i < SLOTS; i++) seen |= 1u << world.free_slots[i];
  EXPECT(seen == (1u << SLOTS) - 1, "each once");
  core_free(&world);
  return count;
}
