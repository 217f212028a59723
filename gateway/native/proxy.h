// The head that a load balancer puts in front of a connection to say whose it is: PROXY protocol, versions 1 (text) and
// 2 (binary). Pure.
#ifndef HAWSER_PROXY_H
#define HAWSER_PROXY_H
#include <stddef.h>
#include <stdint.h>

// The longest head that is taken: version 2 with this much in address and extensions (TLVs, which are skipped).
#define PROXY_BYTES_MAX 4096
#define PROXY_INCOMPLETE 0
#define PROXY_INVALID (-1)

struct proxied {
  int family; // AF_INET, AF_INET6, or AF_UNSPEC: the balancer speaks for itself, or does not know
  uint8_t address[16];
};

// Returns the bytes of the head, PROXY_INCOMPLETE when it needs more of them, or PROXY_INVALID as soon as that is known.
int read_proxy(const uint8_t *bytes, size_t count, struct proxied *proxied);
#endif
