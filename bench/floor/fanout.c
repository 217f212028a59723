/* The floor of fan-out: the least that a server which does not gather messages can do to hand each of them to many over
 * TCP. One thread, epoll, one write per message and receiver; what one connection sends, all others get. A message begins
 * with its length in four bytes, big-endian, which counts itself. There is one sender. Prints its port, serves until its
 * standard input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILES_MAX = 65536, EVENTS_MAX = 256 };
static int members[FILES_MAX], place_of[FILES_MAX], count;

static void fail(const char *what) { perror(what); exit(1); }

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(listener, 4096) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  int epoll = epoll_create1(0), on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = 0;
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);

  static unsigned char buffer[65536];
  size_t held = 0; /* of a message that has not come whole */
  struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == 0) {
        if (read(0, buffer, sizeof buffer) <= 0) return 0;
      } else if (fd == listener) {
        for (int accepted; (accepted = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0;) {
          if (accepted >= FILES_MAX) { close(accepted); continue; }
          setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          place_of[accepted] = count;
          members[count++] = accepted;
          event.data.fd = accepted;
          epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
        }
      } else {
        ssize_t got = read(fd, buffer + held, sizeof buffer - held);
        if (got <= 0) {
          int last = members[--count];
          members[place_of[fd]] = last;
          place_of[last] = place_of[fd];
          close(fd);
          continue;
        }
        held += got;
        size_t at = 0;
        while (held - at >= 4) {
          ssize_t size = (ssize_t)buffer[at] << 24 | buffer[at + 1] << 16 | buffer[at + 2] << 8 | buffer[at + 3];
          if ((ssize_t)(held - at) < size) break;
          for (int m = 0; m < count; m++)
            if (members[m] != fd && write(members[m], buffer + at, size) != size) fail("write");
          at += size;
        }
        memmove(buffer, buffer + at, held - at);
        held -= at;
      }
    }
  }
}
