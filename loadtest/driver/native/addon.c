// Many TCP connections for one Node.js process at some tens of bytes each: the native half of ../epoll.ts, by N-API.
//
// A wire has an epoll descriptor of its own, which libuv watches as one handle. What is ready is read into one shared
// buffer as records, and JavaScript is called once for all of them. What JavaScript wants done it appends as commands to
// another shared buffer, which is carried out before the loop waits again (a prepare handle): there all bytes of a
// connection leave in one sendmsg().
//
// Nothing here calls JavaScript while it walks through connections, so that no connection changes under its feet.
// Bounds: a turn reads ROUNDS_MAX times what the buffer holds, shared among the ready sockets; a connection whose peer
// does not read holds BACKLOG_BYTES_MAX and is then reset; one that was closed is gone after LINGER_MS.
#define _GNU_SOURCE
#include "epoll.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// Hands the gathered records to JavaScript, and carries out what it asked for.
static void deliver(struct wire *wire) {
  if (wire->in_used == 0 || wire->destroyed) return;
  napi_env env = wire->env;
  napi_handle_scope scope;
  napi_value global, callback, used, result, exception;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_global(env, &global);
  napi_get_reference_value(env, wire->callback, &callback);
  napi_create_uint32(env, (uint32_t)wire->in_used, &used);
  wire->in_used = 0;
  if (napi_make_callback(env, NULL, global, callback, 1, &used, &result) == napi_pending_exception) {
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
  napi_close_handle_scope(env, scope);
  if (!wire->destroyed) flush(wire);
}

// Each wait hands the ready sockets out in turn, so that none goes hungry however many there are.
static void on_ready(uv_poll_t *poll, int status, int events) {
  struct wire *wire = poll->data;
  struct epoll_event ready[EVENTS_MAX];
  (void)status, (void)events;
  for (int round = 0, count = EVENTS_MAX; round < ROUNDS_MAX && count == EVENTS_MAX && !wire->destroyed; round++) {
    count = epoll_wait(wire->epoll, ready, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) handle(wire, ready[i].data.fd, ready[i].events, share_of(wire, count - i));
    deliver(wire);
  }
}

static void on_timer(uv_timer_t *timer) {
  struct wire *wire = timer->data;
  uint64_t now = uv_now(wire->loop);
  tick(wire, (double)(now - wire->ticked_at) / 1000);
  wire->ticked_at = now;
  if (wire->timed_count == 0) uv_timer_stop(timer);
  deliver(wire);
}

void start_ticking(struct wire *wire) {
  wire->ticked_at = uv_now(wire->loop);
  uv_timer_start(&wire->timer, on_timer, TICK_MS, TICK_MS);
}

static void on_prepare(uv_prepare_t *prepare) {
  struct wire *wire = prepare->data;
  flush(wire);
  if (wire->failures_count == 0) return;
  int told = 0;
  for (; told < wire->failures_count && share_of(wire, 1) > 0; told++) {
    struct failure *failure = &wire->failures[told];
    put(wire, failure->slot, failure->generation, -failure->error);
  }
  wire->failures_count -= told;
  memmove(wire->failures, wire->failures + told, (size_t)wire->failures_count * sizeof *wire->failures);
  deliver(wire);
  // More of them, of what the owner did just now: next turn, and not after whatever else wakes the loop.
  if (wire->failures_count > 0 && !wire->destroyed) uv_timer_start(&wire->timer, on_timer, 1, TICK_MS);
}

static void let_go(struct wire *wire) {
  if (--wire->holders == 0) free(wire);
}

static void on_closed(uv_handle_t *handle) {
  struct wire *wire = handle->data;
  if (--wire->handles > 0) return;
  napi_remove_async_cleanup_hook(wire->hook);
  let_go(wire);
}

static void destroy(struct wire *wire) {
  if (wire->destroyed) return;
  wire->destroyed = 1;
  uv_close((uv_handle_t *)&wire->poll, on_closed);
  uv_close((uv_handle_t *)&wire->prepare, on_closed);
  uv_close((uv_handle_t *)&wire->timer, on_closed);
  for (int fd = 0; fd < wire->connections_size; fd++)
    if (wire->connections[fd].state != FREE) drop(wire, fd, 0);
  close(wire->epoll);
  napi_delete_reference(wire->env, wire->callback);
  for (int i = 0; i < 3; i++) napi_delete_reference(wire->env, wire->buffers[i]);
  free(wire->slot_fd), free(wire->connections), free(wire->touched), free(wire->timed), free(wire->failures);
}

static void on_cleanup(napi_async_cleanup_hook_handle handle, void *wire) {
  (void)handle;
  destroy(wire);
}

static void on_finalize(napi_env env, void *wire, void *hint) {
  (void)env, (void)hint;
  let_go(wire);
}

// open(slots, records: ArrayBuffer, commands: ArrayBuffer, stats: ArrayBuffer, callback(usedBytes)) → handle
static napi_value js_open(napi_env env, napi_callback_info info) {
  size_t count = 5, sizes[3];
  napi_value arguments[5], handle;
  void *buffers[3];
  struct wire *wire = calloc(1, sizeof *wire);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  wire->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (wire->epoll < 0) {
    napi_throw_error(env, strerror(errno), "epoll_create1");
    free(wire);
    return NULL;
  }
  for (int i = 0; i < 3; i++) {
    napi_get_arraybuffer_info(env, arguments[1 + i], &buffers[i], &sizes[i]);
    napi_create_reference(env, arguments[1 + i], 1, &wire->buffers[i]);
  }
  napi_create_reference(env, arguments[4], 1, &wire->callback);
  napi_get_value_uint32(env, arguments[0], &wire->slots);
  wire->env = env;
  wire->in = buffers[0], wire->in_size = sizes[0];
  wire->out = buffers[1], wire->out_size = sizes[1];
  wire->stats = buffers[2];
  *(uint32_t *)wire->out = COMMANDS_START;
  wire->slot_fd = malloc(wire->slots * sizeof *wire->slot_fd);
  memset(wire->slot_fd, 0xff, wire->slots * sizeof *wire->slot_fd);
  wire->touched = malloc(wire->out_size / sizeof(struct command) * sizeof *wire->touched);
  napi_get_uv_event_loop(env, &wire->loop);
  uv_poll_init(wire->loop, &wire->poll, wire->epoll);
  uv_prepare_init(wire->loop, &wire->prepare);
  uv_timer_init(wire->loop, &wire->timer);
  wire->poll.data = wire->prepare.data = wire->timer.data = wire;
  wire->handles = 3, wire->holders = 2;
  uv_poll_start(&wire->poll, UV_READABLE, on_ready);
  uv_prepare_start(&wire->prepare, on_prepare);
  napi_add_async_cleanup_hook(env, on_cleanup, wire, &wire->hook);
  napi_create_external(env, wire, on_finalize, NULL, &handle);
  return handle;
}

static struct wire *wire_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handle;
  void *wire = NULL;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  napi_get_value_external(env, handle, &wire);
  return wire;
}

static napi_value js_flush(napi_env env, napi_callback_info info) {
  struct wire *wire = wire_of(env, info);
  if (wire && !wire->destroyed) flush(wire);
  return NULL;
}

static napi_value js_destroy(napi_env env, napi_callback_info info) {
  struct wire *wire = wire_of(env, info);
  if (wire) destroy(wire);
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor properties[] = {
      {"open", NULL, js_open, NULL, NULL, NULL, napi_enumerable, NULL},
      {"flush", NULL, js_flush, NULL, NULL, NULL, napi_enumerable, NULL},
      {"destroy", NULL, js_destroy, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, 3, properties);
  return exports;
}
