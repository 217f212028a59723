// Many TCP connections for one gateway at some tens of bytes each, by N-API: the native half of ../accept/native-tcp.ts.
//
// A core has an epoll descriptor of its own, which libuv watches as one handle. What is ready is read into one shared
// buffer and cut into frames there; JavaScript is called once for all of them. What JavaScript writes it puts into
// another part of the same memory, and each write is one send(), because its outcome must be known when it returns.
#include "core.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HOST_BYTES_MAX 64

void deliver(struct core *core) {
  uint32_t opened = core->opened_count, others = core->others_count;
  if (core->destroyed || opened + others + core->frames_count == 0) return;
  uint32_t *told = core->shared->told;
  told[TOLD_OPENED] = opened, told[TOLD_FRAMES] = core->frames_count, told[TOLD_OTHERS] = others;
  napi_env env = core->env;
  napi_handle_scope scope;
  napi_value global, callback, result, exception;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_global(env, &global);
  napi_get_reference_value(env, core->callback, &callback);
  if (napi_make_callback(env, NULL, global, callback, 0, NULL, &result) == napi_pending_exception) {
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
  napi_close_handle_scope(env, scope);
  core->frames_count = core->others_count = 0;
  core->in_used = 0;
  if (!core->destroyed) core_told(core, opened, others);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  core_ready(poll->data);
}

static void on_timer(uv_timer_t *timer) { core_tick(timer->data); }

static void let_go(struct core *core) {
  if (--core->holders == 0) free(core);
}

static void on_closed(uv_handle_t *handle) {
  struct core *core = handle->data;
  if (--core->handles > 0) return;
  core_free(core);
  napi_remove_async_cleanup_hook(core->hook);
  let_go(core);
}

static void destroy(struct core *core) {
  if (core->destroyed) return;
  core->destroyed = 1;
  uv_close((uv_handle_t *)&core->poll, on_closed);
  uv_close((uv_handle_t *)&core->timer, on_closed);
  close(core->epoll);
  napi_delete_reference(core->env, core->callback);
  napi_delete_reference(core->env, core->memory);
}

static void on_cleanup(napi_async_cleanup_hook_handle handle, void *core) {
  (void)handle;
  destroy(core);
}

static void on_finalize(napi_env env, void *core, void *hint) {
  (void)env, (void)hint;
  let_go(core);
}

// The core that a method belongs to, and its arguments as whole numbers. NULL when it was destroyed.
static struct core *core_of(napi_env env, napi_callback_info info, size_t count, uint32_t *numbers) {
  napi_value arguments[2];
  size_t given = count;
  void *data = NULL;
  napi_get_cb_info(env, info, &given, arguments, NULL, &data);
  for (size_t i = 0; i < count; i++)
    if (napi_get_value_uint32(env, arguments[i], &numbers[i]) != napi_ok) numbers[i] = UINT32_MAX;
  struct core *core = data;
  return core->destroyed ? NULL : core;
}

static napi_value number_of(napi_env env, uint32_t value) {
  napi_value number;
  napi_create_uint32(env, value, &number);
  return number;
}

// send(slot, count): the first `count` bytes of `out` → WriteResult
static napi_value js_send(napi_env env, napi_callback_info info) {
  uint32_t n[2];
  struct core *core = core_of(env, info, 2, n);
  return number_of(env, core && n[1] <= OUT_BYTES ? (uint32_t)core_send(core, n[0], core->shared->out, n[1]) : DROPPED);
}

// sendBytes(slot, bytes: Uint8Array) → WriteResult
static napi_value js_send_bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, length = 0;
  void *data = NULL, *bytes = NULL;
  uint32_t slot = UINT32_MAX;
  napi_get_cb_info(env, info, &count, arguments, NULL, &data);
  struct core *core = data;
  napi_get_value_uint32(env, arguments[0], &slot);
  if (core->destroyed || napi_get_typedarray_info(env, arguments[1], NULL, &length, &bytes, NULL, NULL) != napi_ok) return number_of(env, DROPPED);
  return number_of(env, (uint32_t)core_send(core, slot, bytes, length));
}

#define COMMAND(name, count, work)                                 \
  static napi_value name(napi_env env, napi_callback_info info) { \
    uint32_t n[2] = {0};                                           \
    struct core *core = core_of(env, info, count, n);              \
    if (core) work;                                                \
    return NULL;                                                   \
  }
#define QUESTION(name, work)                                       \
  static napi_value name(napi_env env, napi_callback_info info) { \
    uint32_t n[1];                                                 \
    struct core *core = core_of(env, info, 1, n);                  \
    return number_of(env, core ? (uint32_t)(work) : 0);            \
  }

COMMAND(js_close, 1, core_close(core, n[0]))
COMMAND(js_pause, 2, core_pause(core, n[0], (int)n[1]))
COMMAND(js_set_frame_limit, 2, core_set_frame_limit(core, n[0], n[1]))
COMMAND(js_watch, 2, core_watch(core, n[0], n[1]))
COMMAND(js_stop_listening, 0, core_stop_listening(core))
COMMAND(js_tell, 0, deliver(core))
COMMAND(js_end_all, 0, core_end_all(core))
COMMAND(js_destroy, 0, destroy(core))
QUESTION(js_buffered, core_buffered(core, n[0]))
QUESTION(js_quiet_ms, core_quiet_ms(core, n[0]))
QUESTION(js_take_gap, core_take_gap(core, n[0]))
QUESTION(js_round_trip, core_round_trip(core, n[0]))
QUESTION(js_is_open, core_is_open(core, n[0]))

static const struct {
  const char *name;
  napi_callback method;
} METHODS[] = {
    {"send", js_send},
    {"sendBytes", js_send_bytes},
    {"close", js_close},
    {"pause", js_pause},
    {"setFrameLimit", js_set_frame_limit},
    {"watch", js_watch},
    {"stopListening", js_stop_listening},
    {"tell", js_tell},
    {"endAll", js_end_all},
    {"destroy", js_destroy},
    {"bufferedBytes", js_buffered},
    {"quietMs", js_quiet_ms},
    {"takeLongestGapMs", js_take_gap},
    {"roundTripMicros", js_round_trip},
    {"isOpen", js_is_open},
};
enum { METHODS_COUNT = sizeof METHODS / sizeof *METHODS };

static napi_value object_of(napi_env env, struct core *core) {
  napi_value object;
  napi_property_descriptor properties[METHODS_COUNT];
  memset(properties, 0, sizeof properties);
  for (int i = 0; i < METHODS_COUNT; i++) {
    properties[i].utf8name = METHODS[i].name;
    properties[i].method = METHODS[i].method;
    properties[i].data = core;
    properties[i].attributes = napi_enumerable;
  }
  napi_create_object(env, &object);
  napi_define_properties(env, object, METHODS_COUNT, properties);
  napi_add_finalizer(env, object, core, on_finalize, NULL, NULL);
  napi_value port;
  napi_create_int32(env, core_port(core), &port);
  napi_set_named_property(env, object, "port", port);
  return object;
}

static struct core *new_core(const uint32_t *n) {
  struct core *core = calloc(1, sizeof *core);
  if (!core) return NULL;
  core->listener = -1;
  core->proxied = n[2] != 0;
  core->slot_first = n[3];
  core->slots = core->free_count = n[4];
  core->frame_limit = n[5];
  core->linger_ms = n[6];
  core->handshake_ms = n[7];
  core->connections = calloc(core->slots, sizeof *core->connections);
  core->free_slots = malloc(core->slots * sizeof *core->free_slots);
  core->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (core->connections && core->free_slots && core->epoll >= 0) return core;
  if (core->epoll >= 0) close(core->epoll);
  core_free(core);
  free(core);
  return NULL;
}

// Returns 0 when there is no memory.
static int trust(napi_env env, struct core *core, napi_value ranges) {
  size_t length;
  void *bytes;
  napi_valuetype type;
  napi_typeof(env, ranges, &type);
  if (type == napi_undefined) return 1;
  napi_get_typedarray_info(env, ranges, NULL, &length, &bytes, NULL, NULL);
  core->trusted = malloc(length + 1);
  core->trusted_count = length / sizeof(struct range);
  if (core->trusted) memcpy(core->trusted, bytes, length);
  return core->trusted != NULL;
}

// listen(host, memory: ArrayBuffer, told: () => void, unfinishedBytesMax,
//        port, sharePort, proxyProtocol, slotFirst, slotsMax, frameBytesMax, lingerMs, handshakeMs,
//        trusted: Uint8Array of ranges, or undefined) → core, or -errno
static napi_value js_listen(napi_env env, napi_callback_info info) {
  napi_value arguments[13], failed;
  size_t count = 13, length, size;
  char host[HOST_BYTES_MAX];
  void *memory;
  double unfinished;
  uint32_t n[8];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_string_utf8(env, arguments[0], host, sizeof host, &length);
  napi_get_arraybuffer_info(env, arguments[1], &memory, &size);
  napi_get_value_double(env, arguments[3], &unfinished);
  for (int i = 0; i < 8; i++) napi_get_value_uint32(env, arguments[4 + i], &n[i]);
  struct core *core = new_core(n);
  if (core && !trust(env, core, arguments[12])) {
    close(core->epoll);
    core_free(core);
    free(core);
    core = NULL;
  }
  int error = core ? 0 : -ENOMEM;
  if (core) {
    core->env = env;
    core->shared = memory;
    core->in_size = size - sizeof(struct shared);
    core->unfinished.max = unfinished < 1e15 ? (size_t)unfinished : SIZE_MAX / 2;
    for (uint32_t i = 0; i < core->slots; i++) core->free_slots[i] = (int32_t)(core->slots - 1 - i);
    error = core_listen(core, host, (int)n[0], n[1] != 0);
  }
  if (error != 0) {
    if (core) {
      close(core->epoll);
      core_free(core);
      free(core);
    }
    napi_create_int32(env, error, &failed);
    return failed;
  }
  napi_create_reference(env, arguments[1], 1, &core->memory);
  napi_create_reference(env, arguments[2], 1, &core->callback);
  napi_get_uv_event_loop(env, &core->loop);
  uv_poll_init(core->loop, &core->poll, core->epoll);
  uv_timer_init(core->loop, &core->timer);
  core->poll.data = core->timer.data = core;
  core->ticked_at = (uint32_t)uv_now(core->loop);
  core->handles = core->holders = 2;
  uv_poll_start(&core->poll, UV_READABLE, on_ready);
  uv_timer_start(&core->timer, on_timer, TICK_MS, TICK_MS);
  uv_unref((uv_handle_t *)&core->timer);
  napi_add_async_cleanup_hook(env, on_cleanup, core, &core->hook);
  return object_of(env, core);
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    size_t value;
  } LAYOUT[] = {
      {"told", offsetof(struct shared, told)},
      {"stats", offsetof(struct shared, stats)},
      {"frames", offsetof(struct shared, frames)},
      {"others", offsetof(struct shared, others)},
      {"opened", offsetof(struct shared, opened)},
      {"out", offsetof(struct shared, out)},
      {"in", offsetof(struct shared, in)},
      {"framesMax", FRAMES_MAX},
      {"othersMax", OTHERS_MAX},
      {"openedMax", OPENED_MAX},
      {"outBytes", OUT_BYTES},
      {"readBytes", READ_BYTES_MAX},
      {"connectionBytes", sizeof(struct connection) + sizeof(int32_t)},
  };
  napi_value layout, value;
  napi_create_object(env, &layout);
  for (size_t i = 0; i < sizeof LAYOUT / sizeof *LAYOUT; i++) {
    napi_create_uint32(env, (uint32_t)LAYOUT[i].value, &value);
    napi_set_named_property(env, layout, LAYOUT[i].name, value);
  }
  napi_property_descriptor properties[] = {
      {"listen", NULL, js_listen, NULL, NULL, NULL, napi_enumerable, NULL},
      {"layout", NULL, NULL, NULL, NULL, layout, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, 2, properties);
  return exports;
}
