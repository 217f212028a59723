// What happens on the connections of a core: accepted, read into frames, written, closed. JavaScript is called by
// deliver() alone, and any command may come while it runs, so whoever calls it looks at its connection anew afterwards.
//
// Invariants: a slot is on the list of free ones, or has a connection whose state is not FREE, and leaves it only after
// JavaScript was told (or never knew of it); epoll knows a descriptor by slot and generation; a queue, where there is one, is not empty.
#define _GNU_SOURCE
#include "core.h"
#include "proxy.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER UINT64_MAX
#define BACKLOG 4096
#define QUEUE_BYTES_MIN 256
enum { IN = 1, OUT = 2 };

static uint32_t now_of(struct core *core) { return (uint32_t)uv_now(core->loop); }

static uint32_t index_of(struct core *core, struct connection *connection) { return (uint32_t)(connection - core->connections); }

// NULL for a slot that is not this core's, or has no connection that was told opened.
static struct connection *connection_of(struct core *core, uint32_t slot) {
  uint32_t index = slot - core->slot_first;
  if (index >= core->slots) return NULL;
  struct connection *connection = &core->connections[index];
  return connection->state == FREE || connection->state == PROXY || connection->state == ENDED ? NULL : connection;
}

static void set_interest(struct core *core, struct connection *connection, unsigned interest) {
  if (connection->interest == interest) return;
  connection->interest = interest & 3;
  struct epoll_event event = {
      .events = (interest & IN ? EPOLLIN : 0u) | (interest & OUT ? EPOLLOUT : 0u),
      .data.u64 = (uint64_t)connection->generation << 32 | index_of(core, connection),
  };
  epoll_ctl(core->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static void tell(struct core *core, struct connection *connection, int kind) {
  core->shared->others[core->others_count++] = (struct other_entry){.slot = (int32_t)(core->slot_first + index_of(core, connection)), .kind = kind};
}

static void free_slot(struct core *core, struct connection *connection) {
  connection->state = FREE;
  core->free_slots[core->free_count++] = (int32_t)index_of(core, connection);
  core->shared->stats[STAT_SLOTS_TAKEN]--;
}

// Closes the descriptor and frees what is kept. One that was told open is told closed.
static void drop(struct core *core, struct connection *connection) {
  int was_opened = connection->state != PROXY;
  close(connection->fd); // leaves epoll by itself
  free(connection->queue);
  connection->queue = NULL;
  stream_clear(&connection->stream, &core->unfinished);
  connection->state = ENDED;
  if (was_opened) {
    tell(core, connection, CLOSED);
    return;
  }
  core->shared->stats[STAT_FAILED_HANDSHAKES]++;
  free_slot(core, connection);
}

void core_told(struct core *core, uint32_t opened, uint32_t others) {
  for (uint32_t i = 0; i < others; i++)
    if (core->shared->others[i].kind == CLOSED) free_slot(core, &core->connections[(uint32_t)core->shared->others[i].slot - core->slot_first]);
  // Some may have been accepted meanwhile, by core_stop_listening.
  core->opened_count -= opened;
  memmove(core->shared->opened, core->shared->opened + opened, core->opened_count * sizeof *core->shared->opened);
}

// The buffer has room for no larger frame.
static uint32_t limit_of(struct core *core, uint32_t bytes) {
  size_t most = core->in_size - READ_BYTES_MAX - LENGTH_BYTES_MAX;
  return bytes < most ? bytes : (uint32_t)most;
}

// Queues

static int enqueue(struct core *core, struct connection *connection, const uint8_t *bytes, size_t count) {
  struct queue *queue = connection->queue;
  size_t used = queue ? queue->end - queue->start : 0, needed = used + count;
  if (needed > QUEUE_BYTES_MAX) return 0;
  if (!queue || queue->end + count > queue->capacity) {
    size_t capacity = QUEUE_BYTES_MIN;
    while (capacity < needed + needed / 2) capacity *= 2;
    struct queue *larger = malloc(sizeof *larger + capacity);
    if (!larger) return 0;
    if (used > 0) memcpy(larger->bytes, queue->bytes + queue->start, used);
    larger->start = 0, larger->end = (uint32_t)used, larger->capacity = (uint32_t)capacity;
    free(queue);
    connection->queue = queue = larger;
    set_interest(core, connection, connection->interest | OUT);
  }
  memcpy(queue->bytes + queue->end, bytes, count);
  queue->end += (uint32_t)count;
  return 1;
}

static void drop_queue(struct core *core, struct connection *connection) {
  free(connection->queue);
  connection->queue = NULL;
  set_interest(core, connection, connection->interest & ~OUT);
}

static void say_fin(struct core *core, struct connection *connection) {
  // A peer that is gone already shows in epoll.
  shutdown(connection->fd, SHUT_WR);
  connection->state = LINGERING;
  set_interest(core, connection, IN);
}

static void send_queue(struct core *core, struct connection *connection) {
  struct queue *queue = connection->queue;
  ssize_t sent = send(connection->fd, queue->bytes + queue->start, queue->end - queue->start, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) {
    connection->failed = 1;
  } else {
    core->shared->stats[STAT_BYTES_SENT] += (double)sent;
    queue->start += (uint32_t)sent;
    if (queue->start < queue->end) return;
  }
  drop_queue(core, connection);
  if (connection->state == OPEN) {
    if (!connection->failed) tell(core, connection, DRAINED);
  } else if (connection->deaf) {
    drop(core, connection); // nothing more comes, and all is sent
  } else {
    say_fin(core, connection);
  }
}

int core_send(struct core *core, uint32_t slot, const uint8_t *bytes, size_t count) {
  struct connection *connection = connection_of(core, slot);
  if (!connection || connection->state != OPEN || connection->failed) return DROPPED;
  if (count == 0) return connection->queue ? BUFFERED : SENT;
  size_t taken = 0;
  if (!connection->queue) {
    ssize_t sent = send(connection->fd, bytes, count, MSG_NOSIGNAL);
    if (sent >= 0) {
      taken = (size_t)sent;
      core->shared->stats[STAT_BYTES_SENT] += (double)sent;
      if (taken == count) return SENT;
    } else if (errno != EAGAIN && errno != EINTR) {
      // Its end shows in epoll, behind what the peer said before it left.
      connection->failed = 1;
      return DROPPED;
    }
  }
  if (enqueue(core, connection, bytes + taken, count - taken)) return BUFFERED;
  // What follows would be in the wrong place: of a frame, if half of it is out, or of an order.
  connection->failed = 1;
  return DROPPED;
}

// Accepting

static void write_address(int family, const void *bytes, char *text) {
  if (!inet_ntop(family, bytes, text, ADDRESS_BYTES)) text[0] = 0;
}

static void tell_opened(struct core *core, struct connection *connection, uint32_t age_ms, int family, const void *bytes) {
  struct opened_entry *entry = &core->shared->opened[core->opened_count++];
  entry->slot = (int32_t)(core->slot_first + index_of(core, connection));
  entry->age_ms = age_ms;
  write_address(family, bytes, entry->address);
}

static const void *address_of(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                                       : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
}

static int is_trusted(struct core *core, const struct sockaddr_storage *address) {
  if (!core->trusted) return 1;
  uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
  if (address->ss_family == AF_INET) memcpy(bytes + 12, address_of(address), 4);
  else memcpy(bytes, address_of(address), 16);
  for (size_t i = 0; i < core->trusted_count; i++) {
    const struct range *range = &core->trusted[i];
    size_t whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(bytes, range->address, whole) == 0 && (rest == 0 || (bytes[whole] ^ range->address[whole]) >> (8 - rest) == 0)) return 1;
  }
  return 0;
}

// Returns 0 when there was nobody, or cannot be now.
static int accept_one(struct core *core) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  int fd = accept4(core->listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // They wait in the kernel, until the next tick looks whether there is room.
      core->shared->stats[STAT_FAILED_HANDSHAKES]++;
      core->listener_off = 1;
      epoll_ctl(core->epoll, EPOLL_CTL_MOD, core->listener, &(struct epoll_event){.events = 0, .data.u64 = LISTENER});
      return 0;
    }
    return errno == ECONNABORTED || errno == EINTR;
  }
  if (core->free_count == 0 || (core->proxied && !is_trusted(core, &address))) {
    if (core->free_count > 0) core->shared->stats[STAT_FAILED_HANDSHAKES]++;
    close(fd);
    return 1;
  }
  uint32_t index = (uint32_t)core->free_slots[--core->free_count];
  struct connection *connection = &core->connections[index];
  uint16_t generation = (uint16_t)(connection->generation + 1);
  *connection = (struct connection){
      .fd = fd,
      .generation = generation,
      .state = core->proxied ? PROXY : OPEN,
      .interest = IN,
      .at = now_of(core),
      .gap_max = core->proxied ? now_of(core) : 0,
      .stream.limit = limit_of(core, core->frame_limit),
  };
  if (index >= core->slot_end) core->slot_end = index + 1;
  core->shared->stats[STAT_SLOTS_TAKEN]++;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)generation << 32 | index};
  if (epoll_ctl(core->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
    connection->state = PROXY; // nobody was told
    drop(core, connection);
    return 0;
  }
  if (!core->proxied) tell_opened(core, connection, 0, address.ss_family, address_of(&address));
  return 1;
}

static void accept_some(struct core *core) {
  for (int i = 0; i < ACCEPTS_MAX; i++)
    if (core->opened_count == OPENED_MAX || !accept_one(core)) return;
}

void core_stop_listening(struct core *core) {
  if (core->listener < 0) return;
  // The kernel would reset those whose connections stand and whom nobody accepted.
  while (core->opened_count < OPENED_MAX && accept_one(core)) {}
  close(core->listener);
  core->listener = -1;
}

int core_listen(struct core *core, const char *host, int port, int share_port) {
  char service[8];
  snprintf(service, sizeof service, "%d", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
  if (getaddrinfo(host, service, &hints, &found) != 0) return -EINVAL;
  int on = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
  // Accepted sockets inherit TCP_NODELAY.
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
      (share_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
      listen(fd, BACKLOG) < 0 || epoll_ctl(core->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.u64 = LISTENER}) < 0) {
    error = -errno;
    if (fd >= 0) close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  core->listener = fd;
  return error;
}

int core_port(struct core *core) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(core->listener, (struct sockaddr *)&address, &size) < 0) return 0;
  return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port : ((struct sockaddr_in6 *)&address)->sin6_port);
}

// Reading

// Whose frames are handed out now.
struct reading {
  struct core *core;
  struct connection *connection;
  uint16_t generation;
};

static int still_open(const struct reading *reading) {
  return !reading->core->destroyed && reading->connection->generation == reading->generation && reading->connection->state == OPEN;
}

static int on_frame(void *owner, uint8_t header, uint32_t start, uint32_t end) {
  struct reading *reading = owner;
  struct core *core = reading->core;
  struct connection *connection = reading->connection;
  int32_t slot = (int32_t)(core->slot_first + index_of(core, connection));
  // One whose peer does not read is not given more to wait; JavaScript sees its beats, and how much it holds already.
  if (header == BEAT && core->answers_beat && !connection->queue) {
    core->answers_beat = 0;
    core->shared->stats[STAT_BEATS_ANSWERED]++;
    core_send(core, (uint32_t)slot, (const uint8_t *)"", 1);
    return 1;
  }
  if (core->frames_count == FRAMES_MAX) {
    deliver(core);
    if (!still_open(reading)) return 0;
  }
  core->shared->frames[core->frames_count++] = (struct frame_entry){slot, header, (int32_t)start, (int32_t)end};
  return 1;
}

// The peer said FIN. What waits for it is sent; then its end is told.
static void end_of_peer(struct core *core, struct connection *connection) {
  if (!connection->queue || connection->failed || connection->state == PROXY) {
    drop(core, connection);
    return;
  }
  stream_clear(&connection->stream, &core->unfinished);
  connection->state = LEAVING;
  connection->deaf = 1;
  connection->at = now_of(core) + core->linger_ms;
  set_interest(core, connection, OUT);
}

static void take(struct core *core, struct connection *connection, size_t at, size_t count) {
  struct reading reading = {core, connection, connection->generation};
  size_t used = at;
  enum verdict verdict = stream_take(&connection->stream, &core->unfinished, core->shared->in, at, count, on_frame, &reading, &used);
  if (core->destroyed) return;
  core->in_used = core->frames_count == 0 ? 0 : used;
  core->shared->stats[STAT_UNFINISHED_BYTES] = (double)core->unfinished.used;
  if (verdict == STREAM_OPEN || verdict == STREAM_STOPPED || !still_open(&reading)) return;
  connection->deaf = 1;
  set_interest(core, connection, connection->interest & ~IN);
  tell(core, connection, verdict == STREAM_BAD_FRAME ? BROKEN_BAD_FRAME : verdict == STREAM_BUSY ? BROKEN_BUSY : BROKEN_FRAME_TOO_LARGE);
}

// The head of a proxied connection; its address is known behind it.
static void take_proxy_head(struct core *core, struct connection *connection, size_t at, size_t count) {
  struct held *held = connection->stream.held;
  size_t gap = held ? held->length : 0;
  struct proxied proxied;
  if (gap > 0) memcpy(core->shared->in + at, held->bytes, gap);
  int head = read_proxy(core->shared->in + at, gap + count, &proxied);
  if (head == PROXY_INCOMPLETE && stream_hold(&connection->stream, &core->unfinished, core->shared->in + at + gap, count, 0)) return;
  if (head <= 0) {
    drop(core, connection);
    return;
  }
  stream_clear(&connection->stream, &core->unfinished);
  uint32_t age_ms = now_of(core) - connection->gap_max;
  connection->gap_max = 0;
  connection->state = OPEN;
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  if (proxied.family != AF_UNSPEC) {
    tell_opened(core, connection, age_ms, proxied.family, proxied.address);
  } else {
    if (getpeername(connection->fd, (struct sockaddr *)&address, &size) < 0) address.ss_family = AF_INET;
    tell_opened(core, connection, age_ms, address.ss_family, address_of(&address));
  }
  if (gap + count > (size_t)head) take(core, connection, at + (size_t)head, gap + count - (size_t)head);
}

static void receive(struct core *core, struct connection *connection) {
  uint16_t generation = connection->generation;
  size_t gap = stream_gap(&connection->stream);
  if (core->in_size - core->in_used < gap + READ_BYTES_MAX || core->opened_count == OPENED_MAX) {
    deliver(core);
    if (core->destroyed || connection->generation != generation || (connection->state != OPEN && connection->state != PROXY)) return;
    if (core->in_size - core->in_used < gap + READ_BYTES_MAX) {
      drop(core, connection);
      return;
    }
  }
  size_t at = core->in_used;
  ssize_t count = recv(connection->fd, core->shared->in + at + gap, READ_BYTES_MAX, 0);
  if (count <= 0) {
    if (count == 0) end_of_peer(core, connection);
    else if (errno != EAGAIN && errno != EINTR) drop(core, connection);
    return;
  }
  core->shared->stats[STAT_BYTES_READ] += (double)count;
  uint32_t now = now_of(core), pause = now - connection->at;
  connection->at = now;
  if (connection->state == PROXY) {
    core->answers_beat = 0;
    take_proxy_head(core, connection, at, (size_t)count);
    return;
  }
  if (connection->watched && pause > connection->gap_max) connection->gap_max = pause;
  core->answers_beat = connection->watched && pause >= BEAT_GAP_MS;
  take(core, connection, at, (size_t)count);
}

// What comes after close() is read, so that the kernel ends in order and the peer sees the last bytes, and thrown away.
static void discard(struct core *core, struct connection *connection, uint32_t events) {
  ssize_t count = connection->deaf ? 0 : recv(connection->fd, NULL, 1 << 20, MSG_TRUNC);
  if (count > 0) {
    core->shared->stats[STAT_BYTES_READ] += (double)count;
  } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  } else if (count < 0 || connection->state == LINGERING || (events & (EPOLLERR | EPOLLHUP))) {
    drop(core, connection);
  } else {
    connection->deaf = 1; // said FIN, and may still be reading
    set_interest(core, connection, OUT);
  }
}

static void handle(struct core *core, uint64_t who, uint32_t events) {
  if (who == LISTENER) {
    if (core->listener >= 0) accept_some(core);
    return;
  }
  struct connection *connection = &core->connections[(uint32_t)who];
  if (connection->generation != (uint16_t)(who >> 32) || connection->state == FREE || connection->state == ENDED) return;
  if ((events & EPOLLOUT) && connection->queue) send_queue(core, connection);
  switch (connection->state) {
    case PROXY:
    case OPEN:
      if (!connection->paused && !connection->deaf) {
        if (events & ~(uint32_t)EPOLLOUT) receive(core, connection);
      } else if (events & (EPOLLERR | EPOLLHUP)) {
        drop(core, connection); // would be reported for ever
      }
      break;
    case LEAVING:
    case LINGERING:
      if (events & ~(uint32_t)EPOLLOUT) discard(core, connection, events);
      break;
    default: break;
  }
}

// Whether the process stood still (its machine paused, it was stopped, or swapped out). What came meanwhile lies unread in the kernel,
// and timers run before it is read: that time is nobody's silence, and for a whole sweep everything is read before anybody is judged.
static void excuse(struct core *core) {
  uint32_t now = now_of(core), late = now - core->ticked_at - TICK_MS;
  if ((int32_t)late <= LATE_MS) return;
  core->ticked_at = now;
  core->unjudged = TICKS_PER_SWEEP;
  for (uint32_t index = 0; index < core->slot_end; index++) {
    struct connection *connection = &core->connections[index];
    int closing = connection->state == LEAVING || connection->state == LINGERING;
    connection->at = closing || now - connection->at > late ? connection->at + late : now;
    if (connection->state == PROXY) connection->gap_max = now - connection->gap_max > late ? connection->gap_max + late : now;
  }
}

void core_ready(struct core *core) {
  excuse(core);
  struct epoll_event ready[EVENTS_MAX];
  for (int round = 0, count = EVENTS_MAX; round < ROUNDS_MAX && count == EVENTS_MAX; round++) {
    count = epoll_wait(core->epoll, ready, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
      // A connection is told at most broken or drained, and closed.
      if (core->others_count + 2 > OTHERS_MAX) deliver(core);
      if (core->destroyed) return;
      handle(core, ready[i].data.u64, ready[i].events);
      if (core->destroyed) return;
    }
    deliver(core);
    if (core->destroyed) return;
  }
}

static void look_at(struct core *core, struct connection *connection, uint32_t now) {
  switch (connection->state) {
    case PROXY:
      if (now - connection->gap_max >= core->handshake_ms) drop(core, connection);
      break;
    case OPEN:
      if (connection->idle_ms == 0 || now - connection->at < connection->idle_ms) break;
      connection->idle_ms = 0;
      tell(core, connection, IDLE);
      break;
    case LEAVING:
    case LINGERING:
      if ((int32_t)(now - connection->at) >= 0) drop(core, connection);
      break;
    default: break;
  }
}

void core_tick(struct core *core) {
  if (core->listener_off && core->listener >= 0) {
    core->listener_off = 0;
    epoll_ctl(core->epoll, EPOLL_CTL_MOD, core->listener, &(struct epoll_event){.events = EPOLLIN, .data.u64 = LISTENER});
  }
  excuse(core);
  core->ticked_at = now_of(core);
  if (core->unjudged > 0) {
    core->unjudged--;
    return;
  }
  uint32_t now = now_of(core), part = (core->slots + TICKS_PER_SWEEP - 1) / TICKS_PER_SWEEP;
  uint32_t from = part * (uint32_t)core->sweep_turn, to = from + part;
  core->sweep_turn = (core->sweep_turn + 1) % TICKS_PER_SWEEP;
  for (uint32_t index = from; index < to && index < core->slot_end; index++) {
    if (core->others_count == OTHERS_MAX) deliver(core);
    if (core->destroyed) return;
    look_at(core, &core->connections[index], now);
  }
  deliver(core);
}

// Commands

void core_close(struct core *core, uint32_t slot) {
  struct connection *connection = connection_of(core, slot);
  if (!connection || connection->state != OPEN) return;
  stream_clear(&connection->stream, &core->unfinished);
  connection->state = LEAVING;
  connection->deaf = connection->paused = 0;
  connection->at = now_of(core) + core->linger_ms;
  if (connection->queue) set_interest(core, connection, IN | OUT);
  else say_fin(core, connection);
}

void core_pause(struct core *core, uint32_t slot, int paused) {
  struct connection *connection = connection_of(core, slot);
  if (!connection || connection->state != OPEN || connection->deaf) return;
  connection->paused = paused & 1;
  set_interest(core, connection, (connection->interest & OUT) | (paused ? 0 : IN));
}

uint32_t core_buffered(struct core *core, uint32_t slot) {
  struct connection *connection = connection_of(core, slot);
  return connection && connection->queue ? connection->queue->end - connection->queue->start : 0;
}

void core_set_frame_limit(struct core *core, uint32_t slot, uint32_t bytes) {
  struct connection *connection = connection_of(core, slot);
  if (connection) connection->stream.limit = limit_of(core, bytes);
}

void core_watch(struct core *core, uint32_t slot, uint32_t idle_ms) {
  struct connection *connection = connection_of(core, slot);
  if (!connection || connection->state != OPEN) return;
  // Silence counts from Welcome: a token check that took its time is not the client's.
  if (!connection->watched) {
    connection->at = now_of(core);
    connection->gap_max = 0;
  }
  connection->watched = 1;
  connection->idle_ms = idle_ms;
}

uint32_t core_quiet_ms(struct core *core, uint32_t slot) {
  struct connection *connection = connection_of(core, slot);
  return connection && connection->state == OPEN ? now_of(core) - connection->at : 0;
}

uint32_t core_take_gap(struct core *core, uint32_t slot) {
  struct connection *connection = connection_of(core, slot);
  if (!connection) return 0;
  uint32_t gap = connection->gap_max;
  connection->gap_max = 0;
  return gap;
}

uint32_t core_round_trip(struct core *core, uint32_t slot) {
  struct connection *connection = connection_of(core, slot);
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  if (!connection || getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return 0;
  return info.tcpi_rtt;
}

int core_is_open(struct core *core, uint32_t slot) {
  struct connection *connection = connection_of(core, slot);
  return connection && connection->state == OPEN;
}

// The end

void core_end_all(struct core *core) {
  for (uint32_t index = 0; index < core->slot_end; index++) {
    struct connection *connection = &core->connections[index];
    if (connection->state == FREE || connection->state == ENDED) continue;
    if (core->others_count == OTHERS_MAX) deliver(core);
    if (core->destroyed) return;
    drop(core, connection);
  }
  deliver(core);
}

void core_free(struct core *core) {
  if (core->listener >= 0) close(core->listener);
  core->listener = -1;
  for (uint32_t index = 0; index < core->slot_end; index++) {
    struct connection *connection = &core->connections[index];
    if (connection->state == FREE || connection->state == ENDED) continue;
    close(connection->fd);
    free(connection->queue);
    free(connection->stream.held);
  }
  core->slots = core->slot_end = 0; // commands find nobody any more
  free(core->connections), free(core->free_slots), free(core->trusted);
  core->connections = NULL, core->free_slots = NULL, core->trusted = NULL;
}
