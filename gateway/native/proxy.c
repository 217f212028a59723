// See proxy.h. The rules are those of gateway/accept/proxy-protocol.ts; both read the vectors in gateway/accept/testing.
#include "proxy.h"
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#define TEXT_BYTES_MAX 107
#define TEXT_START "PROXY "
#define ADDRESS_TEXT_MAX 46
#define BINARY_FIXED_BYTES 16

static const uint8_t SIGNATURE[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

// Copies the word at *at, and goes on behind the space that ends it. Returns its length: 0 when it is empty, or too long and left out.
static size_t word(const char *line, size_t end, size_t *at, char *out, size_t size) {
  size_t from = *at, to = from < end ? from : end;
  while (to < end && line[to] != ' ') to++;
  size_t length = to < from || to - from >= size ? 0 : to - from;
  memcpy(out, line + from, length);
  out[length] = 0;
  *at = to + 1;
  return length;
}

static int is_port(const char *text, size_t length) {
  uint32_t value = 0;
  if (length == 0 || length > 5 || (length > 1 && text[0] == '0')) return 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return 0;
    value = value * 10 + (uint32_t)(text[i] - '0');
  }
  return value <= 65535;
}

// "PROXY TCP4 192.0.2.1 192.0.2.2 5555 443\r\n", or "PROXY UNKNOWN …\r\n".
static int read_text(const uint8_t *bytes, size_t count, struct proxied *proxied) {
  size_t end = strlen(TEXT_START), at = end, most = count < TEXT_BYTES_MAX ? count : TEXT_BYTES_MAX;
  for (; end < most && bytes[end] != '\r'; end++)
    // No control character belongs there: a lone line feed ends a line for some readers only.
    if (bytes[end] < 32 || bytes[end] > 126) return PROXY_INVALID;
  if (end + 1 >= TEXT_BYTES_MAX) return PROXY_INVALID;
  if (end + 1 >= count) return PROXY_INCOMPLETE;
  if (bytes[end + 1] != '\n') return PROXY_INVALID;
  int taken = (int)end + 2;
  const char *line = (const char *)bytes;
  char family[8], from[ADDRESS_TEXT_MAX], to[ADDRESS_TEXT_MAX], port[8];
  word(line, end, &at, family, sizeof family);
  if (strcmp(family, "UNKNOWN") == 0) return taken;
  int kind = strcmp(family, "TCP4") == 0 ? AF_INET : strcmp(family, "TCP6") == 0 ? AF_INET6 : AF_UNSPEC;
  uint8_t ignored[16];
  if (kind == AF_UNSPEC) return PROXY_INVALID;
  if (word(line, end, &at, from, sizeof from) == 0 || inet_pton(kind, from, proxied->address) != 1) return PROXY_INVALID;
  if (word(line, end, &at, to, sizeof to) == 0 || inet_pton(kind, to, ignored) != 1) return PROXY_INVALID;
  if (!is_port(port, word(line, end, &at, port, sizeof port))) return PROXY_INVALID;
  // `at` is one behind the end when nothing, not even a space, follows the last word.
  if (!is_port(port, word(line, end, &at, port, sizeof port)) || at != end + 1) return PROXY_INVALID;
  proxied->family = kind;
  return taken;
}

static int read_binary(const uint8_t *bytes, size_t count, struct proxied *proxied) {
  if (count < BINARY_FIXED_BYTES) return PROXY_INCOMPLETE;
  uint8_t command = bytes[12];
  size_t length = (size_t)bytes[14] << 8 | bytes[15], total = BINARY_FIXED_BYTES + length;
  if ((command != 0x20 && command != 0x21) || total > PROXY_BYTES_MAX) return PROXY_INVALID;
  // A balancer that speaks for itself (0x20) names nobody; TCP over IPv4, over IPv6; not said, a UNIX socket.
  uint8_t family = command == 0x20 ? 0 : bytes[13];
  size_t address = family == 0x11 ? 4 : family == 0x21 ? 16 : 0;
  if (address == 0 && family != 0x00 && family != 0x31) return PROXY_INVALID;
  if (address != 0 && length < 2 * address + 4) return PROXY_INVALID;
  if (count < total) return PROXY_INCOMPLETE;
  if (address != 0) {
    proxied->family = address == 4 ? AF_INET : AF_INET6;
    memcpy(proxied->address, bytes + BINARY_FIXED_BYTES, address);
  }
  return (int)total;
}

static int begins(const uint8_t *bytes, size_t count, const void *start, size_t size) {
  return memcmp(bytes, start, count < size ? count : size) == 0;
}

int read_proxy(const uint8_t *bytes, size_t count, struct proxied *proxied) {
  memset(proxied, 0, sizeof *proxied);
  proxied->family = AF_UNSPEC;
  if (count == 0) return PROXY_INCOMPLETE;
  if (begins(bytes, count, SIGNATURE, sizeof SIGNATURE)) return read_binary(bytes, count, proxied);
  if (!begins(bytes, count, TEXT_START, strlen(TEXT_START))) return PROXY_INVALID;
  return count < strlen(TEXT_START) ? PROXY_INCOMPLETE : read_text(bytes, count, proxied);
}
