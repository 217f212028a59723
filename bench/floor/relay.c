/* The floor: the least that any relay can do with a message over TCP. One thread, epoll, one read and one
 * write per message, no protocol: connections are paired in the order in which they come (1st with 2nd, 3rd
 * with 4th ...), and what one sends the other gets; with the argument "echo" it is sent back instead. Prints its port,
 * serves until its standard input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILES_MAX = 65536, EVENTS_MAX = 256 };
static int peer_of[FILES_MAX];

static void fail(const char *what) { perror(what); exit(1); }

int main(int count, char **arguments) {
  int echo = count > 1 && strcmp(arguments[1], "echo") == 0;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(listener, 4096) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  int epoll = epoll_create1(0), waiting = -1, on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = 0;
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);

  signal(SIGPIPE, SIG_IGN);
  static char buffer[65536];
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
          peer_of[accepted] = -1;
          if (echo) peer_of[accepted] = accepted;
          else if (waiting < 0) waiting = accepted;
          else { peer_of[accepted] = waiting; peer_of[waiting] = accepted; waiting = -1; }
          event.data.fd = accepted;
          epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
        }
      } else {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got <= 0) {
          if (peer_of[fd] >= 0) peer_of[peer_of[fd]] = -1;
          if (waiting == fd) waiting = -1;
          close(fd);
        } else if (peer_of[fd] >= 0 && write(peer_of[fd], buffer, got) != got && !echo) fail("write");
      }
    }
  }
}
