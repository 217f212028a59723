// What happens on the connections of a wire: commands are carried out, ready sockets read, throttled ones metered.
// Nothing here calls JavaScript, so that no connection changes under the feet of what walks through them.
// Invariant: slot_fd[slot] is fd exactly when connections[fd].slot is slot; a connection in `timed` knows its index there.
#define _GNU_SOURCE
#include "epoll.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for one more in a growing array. Memory that is not to be had ends the process: a generator has no use for half.
static void *grown(void *array, int count, int *size, size_t each) {
  if (count < *size) return array;
  *size = *size ? 2 * *size : 64;
  array = realloc(array, (size_t)*size * each);
  if (!array) abort();
  return array;
}

void put(struct wire *wire, uint32_t slot, uint32_t generation, int32_t length) {
  struct record *record = (struct record *)(wire->in + wire->in_used);
  *record = (struct record){.slot = slot, .generation = generation, .length = length};
  wire->in_used += sizeof *record + (length > 0 ? ((size_t)length + 3) & ~(size_t)3 : 0);
}

static void fail(struct wire *wire, uint32_t slot, uint32_t generation, int error) {
  wire->failures = grown(wire->failures, wire->failures_count, &wire->failures_size, sizeof *wire->failures);
  wire->failures[wire->failures_count++] = (struct failure){slot, generation, error};
}

static void set_interest(struct wire *wire, int fd, uint8_t interest) {
  struct connection *connection = &wire->connections[fd];
  if (connection->interest == interest) return;
  connection->interest = interest;
  epoll_ctl(wire->epoll, EPOLL_CTL_MOD, fd, &(struct epoll_event){.events = interest, .data.fd = fd});
}

static struct timed *time_it(struct wire *wire, int fd) {
  struct connection *connection = &wire->connections[fd];
  if (connection->timed < 0) {
    wire->timed = grown(wire->timed, wire->timed_count, &wire->timed_size, sizeof *wire->timed);
    if (wire->timed_count == 0) start_ticking(wire);
    connection->timed = wire->timed_count++;
    wire->timed[connection->timed] = (struct timed){.fd = fd};
  }
  return &wire->timed[connection->timed];
}

static void untime(struct wire *wire, struct connection *connection) {
  if (connection->timed < 0) return;
  struct timed *last = &wire->timed[--wire->timed_count];
  wire->connections[last->fd].timed = connection->timed;
  wire->timed[connection->timed] = *last;
  connection->timed = -1;
}

void drop(struct wire *wire, int fd, int with_reset) {
  struct connection *connection = &wire->connections[fd];
  if (with_reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
  if (connection->backlog) wire->stats[2] -= connection->backlog->end - connection->backlog->start;
  free(connection->backlog);
  untime(wire, connection);
  if (connection->slot != NO_SLOT) wire->slot_fd[connection->slot] = -1;
  *connection = (struct connection){.slot = NO_SLOT, .timed = -1};
  close(fd); // leaves epoll by itself
}

static void drop_and_tell(struct wire *wire, int fd, int32_t reason) {
  struct connection *connection = &wire->connections[fd];
  put(wire, connection->slot, connection->generation, reason);
  drop(wire, fd, 0);
}

static void say_fin(struct wire *wire, int fd) {
  if (shutdown(fd, SHUT_WR) < 0) {
    drop(wire, fd, 0);
    return;
  }
  wire->connections[fd].state = LINGERING;
  set_interest(wire, fd, EPOLLIN);
}

// Keeps what the socket would not take. Returns 0 when that is too much, and the connection gone.
static int keep(struct wire *wire, int fd, const uint8_t *bytes, size_t length) {
  struct connection *connection = &wire->connections[fd];
  struct backlog *backlog = connection->backlog;
  size_t used = backlog ? backlog->end - backlog->start : 0;
  if (used + length > BACKLOG_BYTES_MAX) {
    if (connection->slot != NO_SLOT) fail(wire, connection->slot, connection->generation, ENOBUFS);
    drop(wire, fd, 1);
    return 0;
  }
  if (!backlog || backlog->end + length > backlog->capacity) {
    size_t capacity = 256;
    while (capacity < used + length) capacity *= 2;
    struct backlog *larger = malloc(sizeof *larger + capacity);
    if (!larger) abort();
    if (used) memcpy(larger->bytes, backlog->bytes + backlog->start, used);
    *larger = (struct backlog){.end = (uint32_t)used, .capacity = (uint32_t)capacity};
    free(backlog);
    connection->backlog = backlog = larger;
    set_interest(wire, fd, connection->interest | EPOLLOUT);
  }
  memcpy(backlog->bytes + backlog->end, bytes, length);
  backlog->end += (uint32_t)length;
  wire->stats[2] += (double)length;
  return 1;
}

static void send_backlog(struct wire *wire, int fd) {
  struct connection *connection = &wire->connections[fd];
  struct backlog *backlog = connection->backlog;
  ssize_t sent = send(fd, backlog->bytes + backlog->start, backlog->end - backlog->start, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) {
    connection->error = (uint8_t)errno;
    sent = backlog->end - backlog->start;
  } else {
    wire->stats[1] += (double)sent;
  }
  backlog->start += (uint32_t)sent;
  wire->stats[2] -= (double)sent;
  if (backlog->start < backlog->end) return;
  free(backlog);
  connection->backlog = NULL;
  set_interest(wire, fd, connection->interest & ~EPOLLOUT);
  if (connection->state == LEAVING) say_fin(wire, fd);
}

// Sends what was written to a connection in this turn.
static void send_writes(struct wire *wire, int fd) {
  struct connection *connection = &wire->connections[fd];
  uint32_t at = connection->head;
  if (at == 0) return; // its descriptor was touched twice in this turn
  connection->head = 0;
  while (at) {
    struct iovec iovecs[IOVECS_MAX];
    struct msghdr message = {.msg_iov = iovecs};
    for (; at && message.msg_iovlen < IOVECS_MAX; message.msg_iovlen++) {
      struct command *command = (struct command *)(wire->out + at);
      iovecs[message.msg_iovlen] = (struct iovec){command->arguments, command->length};
      at = command->next;
    }
    // Bytes that can go nowhere are forgotten: what the peer said before it left is still to be read, and then the end.
    if (connection->error) break;
    ssize_t sent = connection->backlog ? 0 : sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        connection->error = (uint8_t)errno;
        break;
      }
      sent = 0;
    }
    wire->stats[1] += (double)sent;
    for (size_t i = 0; i < message.msg_iovlen; i++) {
      size_t length = iovecs[i].iov_len, taken = (size_t)sent < length ? (size_t)sent : length;
      sent -= (ssize_t)taken;
      if (taken < length && !keep(wire, fd, (uint8_t *)iovecs[i].iov_base + taken, length - taken)) return;
    }
  }
  if (connection->state == LEAVING && !connection->backlog) say_fin(wire, fd);
}

static void begin(struct wire *wire, uint32_t slot, const uint32_t *arguments) {
  uint32_t generation = arguments[0], rate = arguments[4];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(arguments[1]), .sin_port = htons((uint16_t)arguments[2])};
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(arguments[3])};
  int on = 1, small = THROTTLED_RECEIVE_BUFFER, segment = THROTTLED_SEGMENT;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    fail(wire, slot, generation, errno);
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (rate) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    // Over loopback the peer's kernel would send segments of 64 KB, and buffer megabytes for a reader that does not read.
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  }
  // The port is chosen when the target is known, so that each target has all ports of a source address.
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
  if ((arguments[3] && bind(fd, (struct sockaddr *)&from, sizeof from) < 0) ||
      (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) || epoll_ctl(wire->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
    fail(wire, slot, generation, errno);
    close(fd);
    return;
  }
  while (fd >= wire->connections_size) {
    int before = wire->connections_size;
    wire->connections = grown(wire->connections, before, &wire->connections_size, sizeof *wire->connections);
    for (int i = before; i < wire->connections_size; i++) wire->connections[i] = (struct connection){.slot = NO_SLOT, .timed = -1};
  }
  wire->connections[fd] = (struct connection){.slot = slot, .generation = generation, .timed = -1, .state = CONNECTING, .interest = EPOLLOUT};
  wire->slot_fd[slot] = fd;
  if (rate) time_it(wire, fd)->rate = rate;
}

static void leave(struct wire *wire, int fd) {
  struct connection *connection = &wire->connections[fd];
  wire->slot_fd[connection->slot] = -1;
  connection->slot = NO_SLOT;
  int waiting = connection->head || connection->backlog;
  if (connection->state == CONNECTING && !waiting) {
    drop(wire, fd, 0);
    return;
  }
  struct timed *timed = time_it(wire, fd);
  timed->rate = 0;
  timed->deadline = uv_now(wire->loop) + LINGER_MS;
  connection->state = LEAVING;
  if (waiting) set_interest(wire, fd, connection->interest | EPOLLIN);
  else say_fin(wire, fd);
}

static void throttle(struct wire *wire, int fd, uint32_t rate) {
  struct connection *connection = &wire->connections[fd];
  if (rate) time_it(wire, fd)->rate = rate;
  else untime(wire, connection);
  if (connection->state == OPEN) set_interest(wire, fd, (connection->interest & EPOLLOUT) | (rate ? 0 : EPOLLIN));
}

void flush(struct wire *wire) {
  uint32_t *filled = (uint32_t *)wire->out, end = *filled;
  int touched = 0;
  for (uint32_t at = COMMANDS_START; at < end;) {
    struct command *command = (struct command *)(wire->out + at);
    int fd = command->slot < wire->slots ? wire->slot_fd[command->slot] : -1;
    if (command->op == OP_CONNECT) {
      if (fd < 0 && command->slot < wire->slots) begin(wire, command->slot, command->arguments);
    } else if (fd >= 0) {
      struct connection *connection = &wire->connections[fd];
      switch (command->op) {
        case OP_WRITE:
          command->next = 0;
          if (connection->head) {
            ((struct command *)(wire->out + connection->tail))->next = at;
          } else {
            connection->head = at;
            wire->touched[touched++] = fd;
          }
          connection->tail = at;
          break;
        case OP_CLOSE: leave(wire, fd); break;
        case OP_RESET: drop(wire, fd, 1); break;
        case OP_THROTTLE: throttle(wire, fd, command->arguments[0]); break;
      }
    }
    at += sizeof *command + ((command->length + 3) & ~3u);
  }
  for (int i = 0; i < touched; i++) send_writes(wire, wire->touched[i]);
  *filled = COMMANDS_START;
}

// Reads once, at most `limit` bytes, into a record. Returns how many came.
static size_t receive(struct wire *wire, int fd, size_t limit) {
  struct connection *connection = &wire->connections[fd];
  struct record *record = (struct record *)(wire->in + wire->in_used);
  ssize_t count = recv(fd, record->bytes, limit, 0);
  if (count > 0) {
    put(wire, connection->slot, connection->generation, (int32_t)count);
    wire->stats[0] += (double)count;
    return (size_t)count;
  }
  if (count == 0) drop_and_tell(wire, fd, connection->error ? -connection->error : CLOSED_BY_PEER);
  else if (errno != EAGAIN && errno != EINTR) drop_and_tell(wire, fd, -errno);
  return 0;
}

// What comes after close() is read, so that the kernel ends in order, and thrown away.
static void discard(struct wire *wire, int fd, uint32_t events) {
  struct connection *connection = &wire->connections[fd];
  ssize_t count = recv(fd, NULL, 1 << 20, MSG_TRUNC);
  if (count > 0) wire->stats[0] += (double)count;
  else if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  else if (count < 0 || connection->state == LINGERING || (events & (EPOLLERR | EPOLLHUP))) drop(wire, fd, 0);
  else set_interest(wire, fd, EPOLLOUT); // the peer said FIN, and may still be reading
}

void handle(struct wire *wire, int fd, uint32_t events, size_t limit) {
  struct connection *connection = &wire->connections[fd];
  int error = 0;
  socklen_t size = sizeof error;
  if (connection->state == CONNECTING) {
    if (events & (EPOLLERR | EPOLLHUP)) {
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      drop_and_tell(wire, fd, error ? -error : -ECONNRESET);
      return;
    }
    connection->state = OPEN;
    put(wire, connection->slot, connection->generation, 0);
    set_interest(wire, fd, (connection->timed < 0 ? EPOLLIN : 0) | (connection->backlog ? EPOLLOUT : 0));
  }
  if ((events & EPOLLOUT) && connection->backlog) send_backlog(wire, fd);
  if (connection->state == LEAVING || connection->state == LINGERING) {
    if (events & ~EPOLLOUT) discard(wire, fd, events);
  } else if (connection->state == OPEN && connection->timed < 0) {
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) receive(wire, fd, limit);
  } else if (connection->state == OPEN && (events & (EPOLLERR | EPOLLHUP))) {
    // Throttled, and reset: would be reported for ever if it were left to the timer.
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    drop_and_tell(wire, fd, error ? -error : connection->error ? -connection->error : CLOSED_BY_PEER);
  }
}

size_t share_of(struct wire *wire, int left) {
  size_t share = ((wire->in_size - wire->in_used) / (size_t)left) & ~(size_t)3;
  size_t heads = 2 * sizeof(struct record);
  if (share <= heads) return 0;
  return share - heads < READ_BYTES_MAX ? share - heads : READ_BYTES_MAX;
}

void tick(struct wire *wire, double seconds) {
  uint64_t now = uv_now(wire->loop);
  // From the end, since a dropped one's place is taken by the last.
  for (int i = wire->timed_count - 1; i >= 0; i--) {
    struct timed *timed = &wire->timed[i];
    int state = wire->connections[timed->fd].state;
    if (state == OPEN) {
      double most = timed->rate, credit = timed->credit + timed->rate * seconds;
      timed->credit = credit < most ? credit : most;
      size_t share = share_of(wire, i + 1), limit = (double)share < timed->credit ? share : (size_t)timed->credit;
      if (limit == 0) continue;
      size_t count = receive(wire, timed->fd, limit);
      if (count > 0) timed->credit -= (double)count; // with 0 it may be gone, and another in its place
    } else if (timed->deadline && now >= timed->deadline) {
      drop(wire, timed->fd, 0);
    }
  }
}
