"""A small Hawser client over TCP, written from SPEC.md and hawser.proto alone. Standard library only.

    client = HawserClient("127.0.0.1", 7400, "dev:alice", "laptop")
    client.connect()
    seq, time, durability = client.send("bob", "hello")
    row = client.receive(timeout=5)          # the next row in order, of any conversation, or None

The file has three layers, each of which knows nothing of those below it in the file:

    1  framing   bytes <-> frames (type and message bodies)                          SPEC 2
    2  codec     message bodies <-> dicts; conversation keys, hash, digest           hawser.proto, SPEC 5, 8, 11
    3  session   Hello, numbering, retries, in-order delivery, sync, beats           SPEC 3-10, 12, 14

One thread: everything happens inside poll(), which the other methods call while they wait. A program that
waits for something else must call poll() now and then, or no beat is sent.
"""
import collections
import hashlib
import os
import random
import socket
import time as clock
import zlib

# ---------------------------------------------------------------- errors

ERROR_NAMES = dict(enumerate(
    "ERROR_UNSPECIFIED BAD_FRAME FRAME_TOO_LARGE HELLO_EXPECTED HANDSHAKE_TIMEOUT VERSION_UNSUPPORTED AUTH_FAILED "
    "TOKEN_EXPIRED REPLACED UNKNOWN_TYPE BAD_REQUEST RATE_LIMITED BUSY OUT_OF_ORDER CLIENT_SEQ_REUSED "
    "PAYLOAD_TOO_LARGE BAD_TEXT NOT_MEMBER FORBIDDEN UNSUPPORTED SLOW_CONSUMER IDLE_TIMEOUT TOO_MANY_CONNECTIONS "
    "INTERNAL".split()))
ERROR_CODES = {name: code for code, name in ERROR_NAMES.items()}
TRANSIENT = {"RATE_LIMITED", "BUSY", "INTERNAL"}
NO_RECONNECT = {"VERSION_UNSUPPORTED", "AUTH_FAILED", "REPLACED", "BAD_REQUEST"}  # TOKEN_EXPIRED: see _closed_by_error


class HawserError(Exception):
    """What an Error frame says, or a framing error found in what the server sent."""

    def __init__(self, code, detail="", closes=False, ref=0, retry_after_ms=0, expected=0):
        self.code, self.name = code, ERROR_NAMES.get(code, "ERROR_%d" % code)
        self.detail, self.closes, self.ref = detail, closes, ref
        self.retry_after_ms, self.expected = retry_after_ms, expected
        super().__init__("%s%s" % (self.name, ": " + detail if detail else ""))


class ConnectionLost(ConnectionError):
    """The connection ended, or is considered dead, without an Error that explains it."""


# ---------------------------------------------------------------- 1 framing

HELLO, WELCOME, ERROR, GO_AWAY, SEND, SENT, PUSH, SYNC, HEADS, FETCH, PAGE, CHECK, CHECKED, READ, RESYNC = range(1, 16)

RESERVED_BIT, COMPRESSED_BIT, BATCH_BIT, TYPE_MASK = 0x80, 0x40, 0x20, 0x1F
LIMIT_BEFORE_WELCOME = 8 * 1024
DEFAULT_LIMIT = 512 * 1024

Frame = collections.namedtuple("Frame", "type messages")  # messages: the bodies, more than one only in a batch
CODEC_DEFLATE = 1

BEAT = Frame(0, [])
BEAT_BYTE = b"\x00"


def _bad_frame(detail):
    return HawserError(ERROR_CODES["BAD_FRAME"], detail, closes=True)


def encode_length(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    if len(out) > 4:
        raise ValueError("a length takes at most 4 bytes")
    return bytes(out)


def decode_length(data, start, end):
    """(value, position behind it), or None when `end` comes first."""
    value = 0
    for i in range(4):
        if start + i >= end:
            return None
        byte = data[start + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            if byte == 0 and i > 0:
                raise _bad_frame("length not minimal")
            return value, start + i + 1
    raise _bad_frame("length longer than 4 bytes")


def encode_frame(type_, *bodies):
    if not bodies:
        raise ValueError("a frame holds at least one message")
    header, body = type_, bodies[0]
    if len(bodies) > 1:
        header, body = type_ | BATCH_BIT, b"".join(encode_length(len(b)) + b for b in bodies)
    return encode_length(1 + len(body)) + bytes([header]) + body


def split_batch(body):
    messages, at = [], 0
    while at < len(body):
        found = decode_length(body, at, len(body))
        if found is None or found[1] + found[0] > len(body):
            raise _bad_frame("batch does not end where the frame ends")
        length, at = found
        messages.append(bytes(body[at:at + length]))
        at += length
    if not messages:
        raise _bad_frame("empty batch")
    return messages


def inflate_body(body, size_max, dictionary=b""):
    """The body of a compressed frame as it was: a length, then raw deflate with the connection's dictionary. However much
    the data would inflate to, no more than the length says is made of it, and no more than size_max."""
    found = decode_length(body, 0, len(body))
    if found is None or not 0 < found[0] <= size_max:
        raise _bad_frame("inflated size")
    size, start = found
    inflater = zlib.decompressobj(-15, zdict=dictionary) if dictionary else zlib.decompressobj(-15)
    try:
        inflated = inflater.decompress(body[start:], size + 1)
    except zlib.error as error:
        raise _bad_frame("not deflate: %s" % error) from None
    if len(inflated) != size or not inflater.eof or inflater.unused_data:
        raise _bad_frame("not the inflated size")
    return inflated


def dictionary_id(dictionary):
    return hashlib.sha256(dictionary).digest()[:8]


class FrameReader:
    """feed() bytes as they come, then next() until it returns None. Frames before a broken one still come out."""

    def __init__(self, limit=DEFAULT_LIMIT):
        self.limit = limit  # of the length value; applies to the next length that is read
        self.dictionary = None  # of the codec that Welcome names: bytes, maybe none of them; None: no codec
        self._buffer = bytearray()
        self._need = 0      # do not look again before this many bytes are there

    def feed(self, data):
        self._buffer += data

    @property
    def unfinished(self):
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer)

    def next(self):
        buffer = self._buffer
        if len(buffer) < max(self._need, 1):
            return None
        found = decode_length(buffer, 0, len(buffer))
        if found is None:
            return None
        length, start = found
        if length == 0:
            del buffer[:1]
            self._need = 0
            return BEAT
        if length > self.limit:
            raise HawserError(ERROR_CODES["FRAME_TOO_LARGE"], "length %d" % length, closes=True)
        if len(buffer) == start:
            return None
        header = buffer[start]
        if header & RESERVED_BIT:
            raise _bad_frame("reserved bit set")
        if header & COMPRESSED_BIT and self.dictionary is None:
            raise _bad_frame("compressed, but no codec was chosen")
        if header & TYPE_MASK == 0:
            raise _bad_frame("type 0")
        end = start + length
        if len(buffer) < end:
            self._need = end
            return None
        body = bytes(buffer[start + 1:end])
        del buffer[:end]
        self._need = 0
        if header & COMPRESSED_BIT:
            body = inflate_body(body, self.limit - 1, self.dictionary)
        return Frame(header & TYPE_MASK, split_batch(body) if header & BATCH_BIT else [body])


# ---------------------------------------------------------------- 2 codec

# field number: (name, kind); kind is uint (also enums), bool, bytes, string, uints and blobs (repeated) or [message name] (repeated)
_CONVERSATION = {1: ("peer", "bytes"), 2: ("group", "bytes"), 3: ("self", "bool")}
SCHEMA = {
    "Hello": {1: ("version_min", "uint"), 2: ("version_max", "uint"), 3: ("token", "string"), 4: ("device", "bytes"),
              5: ("install", "bytes"), 6: ("connection", "uint"), 7: ("sync", "bool"), 8: ("watermark", "bytes"),
              9: ("codecs", "uints"), 10: ("network", "string"), 11: ("frame_bytes_max", "uint"),
              12: ("dictionaries", "blobs"), 13: ("lost_after_ms", "uint")},
    "Welcome": {1: ("version", "uint"), 2: ("session", "bytes"), 3: ("heartbeat_ms", "uint"),
                4: ("frame_bytes_max", "uint"), 5: ("payload_bytes_max", "uint"), 6: ("codec", "uint"),
                7: ("server_time", "uint"), 8: ("user", "bytes"), 9: ("sends_per_second", "uint"),
                10: ("requests_in_flight_max", "uint"), 11: ("dictionary", "bytes"), 12: ("dictionary_wanted", "bytes")},
    "Error": {1: ("code", "uint"), 2: ("ref", "uint"), 3: ("retry_after_ms", "uint"), 4: ("closes", "bool"),
              5: ("expected", "uint"), 6: ("detail", "string")},
    "GoAway": {1: ("reason", "uint"), 2: ("reconnect_after_ms", "uint"), 3: ("target", "string")},
    "Send": {**_CONVERSATION, 4: ("client_seq", "uint"), 5: ("kind", "uint"), 6: ("payload", "bytes")},
    "Sent": {1: ("ref", "uint"), 2: ("seq", "uint"), 3: ("time", "uint"), 4: ("durability", "uint")},
    "Push": {1: ("from", "bytes"), 2: ("group", "bytes"), 3: ("to", "bytes"), 4: ("seq", "uint"), 5: ("time", "uint"),
             6: ("kind", "uint"), 7: ("payload", "bytes"), 8: ("install", "bytes"), 9: ("client_seq", "uint"),
             10: ("uncounted", "uint"), 11: ("self", "bool")},
    "Sync": {1: ("watermark", "bytes")},
    "Head": {**_CONVERSATION, 4: ("seq", "uint"), 5: ("hash", "bytes"), 6: ("time", "uint"), 7: ("uncounted", "uint"),
             8: ("read_seq", "uint")},
    "Heads": {1: ("ref", "uint"), 2: ("heads", ["Head"]), 3: ("watermark", "bytes"), 4: ("more", "bool")},
    "Fetch": {**_CONVERSATION, 4: ("from_seq", "uint"), 5: ("backward", "bool"), 6: ("limit", "uint")},
    "Page": {**_CONVERSATION, 4: ("ref", "uint"), 5: ("rows", ["Push"]), 6: ("hash_before", "bytes"),
             7: ("head_seq", "uint"), 8: ("more", "bool")},
    "Check": {1: ("digest", "bytes"), 2: ("count", "uint")},
    "Checked": {1: ("ref", "uint")},
    "Read": {**_CONVERSATION, 4: ("seq", "uint")},
    "Resync": {},
    "Heartbeat": {1: ("heartbeat_ms", "uint")},
    "Dictionary": {1: ("id", "bytes"), 2: ("ref", "uint"), 3: ("bytes", "bytes")},
}
TYPE_NAMES = dict(enumerate(
    "Hello Welcome Error GoAway Send Sent Push Sync Heads Fetch Page Check Checked Read Resync".split(), 1))
TYPE_NAMES.update({17: "Heartbeat", 18: "Dictionary"})
_NUMBERS = {name: {field: (number, kind) for number, (field, kind) in fields.items()} for name, fields in SCHEMA.items()}
_DEFAULTS = {"uint": 0, "bool": False, "bytes": b"", "string": ""}


class DecodeError(ValueError):
    """Bytes that are not a protobuf message."""


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise DecodeError("varint cut off")
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise DecodeError("varint too long")


def encode(name, fields):
    """A message as bytes; fields with the default value are left out."""
    out = bytearray()
    for field, (number, kind) in _NUMBERS[name].items():
        value = fields.get(field)
        if not value:
            continue
        if kind in ("uint", "bool"):
            out += _varint(number << 3) + _varint(int(value))
            continue
        if kind == "uints":
            chunks = [b"".join(_varint(v) for v in value)]
        elif kind == "blobs":
            chunks = list(value)
        elif isinstance(kind, list):
            chunks = [encode(kind[0], v) for v in value]
        else:
            chunks = [value.encode() if kind == "string" else value]
        for chunk in chunks:
            out += _varint(number << 3 | 2) + _varint(len(chunk)) + chunk
    unknown = set(fields) - set(_NUMBERS[name])
    if unknown:
        raise ValueError("%s has no field %s" % (name, ", ".join(sorted(unknown))))
    return bytes(out)


def _read_field(data, at, depth=0):
    """(field number, wire type, value, position behind it); the value of a group, which only unknown fields have, is None."""
    tag, at = _read_varint(data, at)
    number, wire = tag >> 3, tag & 7
    if number == 0 or tag > 0xFFFFFFFF:
        raise DecodeError("bad field number")
    if wire == 0:
        value, at = _read_varint(data, at)
    elif wire in (1, 2, 5):
        length = {1: 8, 5: 4}.get(wire)
        if length is None:
            length, at = _read_varint(data, at)
        if at + length > len(data):
            raise DecodeError("field cut off")
        value, at = bytes(data[at:at + length]), at + length
    elif wire == 3 and depth < 100:
        inner, value = 0, None
        while inner != 4:
            inner_number, inner, _, at = _read_field(data, at, depth + 1)
        if inner_number != number:
            raise DecodeError("another group's end")
    elif wire == 4:
        value = None
    else:
        raise DecodeError("wire type %d" % wire)
    return number, wire, value, at


def decode(name, data):
    """A message as a dict that has every field of the schema; unknown fields are skipped."""
    fields = SCHEMA[name]
    message = {field: [] if kind in ("uints", "blobs") or isinstance(kind, list) else _DEFAULTS[kind] for field, kind in fields.values()}
    at = 0
    while at < len(data):
        number, wire, value, at = _read_field(data, at)
        if wire == 4:
            raise DecodeError("the end of a group that never began")
        field, kind = fields.get(number, (None, None))
        if kind == "uint" and wire == 0:
            message[field] = value
        elif kind == "bool" and wire == 0:
            message[field] = value != 0
        elif kind == "bytes" and wire == 2:
            message[field] = value
        elif kind == "string" and wire == 2:
            try:
                message[field] = value.decode()
            except UnicodeDecodeError:
                raise DecodeError("%s is not UTF-8" % field) from None
        elif kind == "uints" and wire == 0:
            message[field].append(value)
        elif kind == "uints" and wire == 2:
            position = 0
            while position < len(value):
                one, position = _read_varint(value, position)
                message[field].append(one)
        elif kind == "blobs" and wire == 2:
            message[field].append(value)
        elif isinstance(kind, list) and wire == 2:
            message[field].append(decode(kind[0], value))
    return message


# Conversations are named by a pair: ("peer", id), ("group", id) or ("self", True).

def conversation_of(message):
    for field in ("peer", "group", "self"):
        if message[field]:
            return field, message[field]
    raise DecodeError("no conversation named")


def valid_id(value):
    """User, device and group ids: 1 to 64 bytes of UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return 1 <= len(value) <= 64


def _id(value):
    return bytes([len(value)]) + value


def direct_key(a, b):
    x, y = sorted((a, b))
    return b"\x01" + _id(x) + _id(y)


def group_key(group):
    return b"\x02" + _id(group)


def self_key(user):
    return b"\x03" + _id(user)


def user_key(user):
    return b"\x00" + _id(user)


def conversation_key(user, name):
    field, value = name
    return direct_key(user, value) if field == "peer" else group_key(value) if field == "group" else self_key(user)


def shard_of(key, shards=256):
    """Only servers need it; it is here because the test vectors have it."""
    h = 0x811C9DC5
    for byte in key:
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    h ^= h >> 16
    return h % shards


NO_HASH = bytes(32)


def next_hash(previous, seq, sender, kind, time, payload):
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + _id(sender) + kind.to_bytes(4, "big") +
                          time.to_bytes(8, "big") + hashlib.sha256(payload).digest()).digest()


def check_digest(heads):
    """heads: (conversation key, seq) of every conversation with at least one row."""
    total = sum(int.from_bytes(hashlib.sha256(key + seq.to_bytes(8, "big")).digest()[:8], "big") for key, seq in heads)
    return (total % 2 ** 64).to_bytes(8, "big")


# ---------------------------------------------------------------- 3 session

REQUEST_TIMEOUT = 10.0   # a request unanswered for so long is sent again; without any byte the connection is dead
OVERTAKING = 1.0         # how long to wait for a Sent or Push that another one has overtaken
HELD_ROWS_MAX = 1000     # rows kept above a hole; more would come with the Fetch anyway

Sent = collections.namedtuple("Sent", "seq time durability")
# A row as it is shown. sender is empty for rows of the server (`self`); mine: sent by this install.
Row = collections.namedtuple("Row", "conversation seq time sender kind payload mine")
Page = collections.namedtuple("Page", "rows hash_before head_seq more")


class Outgoing:
    """A message of ours that has no Sent yet. client_seq, kind and payload never change once given."""

    def __init__(self, conversation, client_seq, kind, payload):
        self.conversation, self.client_seq, self.kind, self.payload = conversation, client_seq, kind, payload
        self.ref = None         # number of the request it went out with last; None: has to be (re)sent
        self.refusals = 0
        self.sent = None        # Sent
        self.error = None       # HawserError

    @property
    def done(self):
        return self.sent is not None or self.error is not None


class Conversation:
    def __init__(self, name):
        self.name = name
        self.next = 1               # the next seq to show
        self.hash = NO_HASH         # the conversation hash at next - 1
        self.read_seq = 0
        self.number = 0             # the last client_seq given
        self.pending = []           # Outgoing, ascending
        # what follows is rebuilt on every connection
        self.head = 0               # newest seq that a Head or Page announced
        self.held = {}              # rows above a hole
        self.hashes = {}            # announced hashes above next - 1, to be compared on arrival
        self.fetch = None           # the Request that pulls rows from `next`
        self.pull_at = None         # when to pull the hole, if it does not close by itself
        self.hold_until = 0.0       # transient refusal: no Sends before this
        self.restarts = 0


class Request:
    """Anything with a number. A repetition is a new Request; `asked` is the one whose result somebody waits for."""

    def __init__(self, type_, fields, outgoing=None, conversation=None, asked=None):
        self.type, self.fields = type_, fields
        self.outgoing = outgoing            # of a Send
        self.conversation = conversation    # of a Fetch that fills a hole
        self.number, self.sent_at, self.not_before = None, 0.0, 0.0
        self.asked = asked or self
        self.result = self.error = None
        self.waiting = True         # counts as in flight; False once answered or sent again under a new number


def _bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


class HawserClient:
    """token: a string, or a function that returns a fresh one. install, connection and watermark come from the
    client's store; dictionaries: those it holds (bytes), such as proto/vectors/default-dictionary.txt; together with them a store has to keep what state() returns (give it to restore()): the cursors,
    the send numbers and the unanswered Sends. An install without its send numbers must not be used again."""

    def __init__(self, host, port, token, device, install=None, connection=0, watermark=b"", *,
                 reconnect=True, tls=None, network="", dictionaries=()):
        self.address, self.token, self.device = (host, port), token, _bytes(device)
        self.install = install or os.urandom(8)
        self.connection, self.watermark = connection, watermark
        self.reconnect, self.tls, self.network = reconnect, tls, network
        self.dictionaries = {dictionary_id(dictionary): dictionary for dictionary in dictionaries}
        self.user, self.welcome = b"", None
        self.conversations = {}
        self.inbox = collections.deque()        # rows in order, for receive()
        self.reads = collections.deque()        # (conversation, seq) that another device of ours reported
        self.hashes_verified = 0
        # Hooks. A real client stores the row in on_row, in one transaction with the conversation's next and hash.
        self.on_row = self.inbox.append
        self.on_save = lambda client: None      # the state changed in a way that has to survive a crash
        self.on_restart = lambda name: None     # hash mismatch: forget the rows of this conversation, they come again
        self.on_problem = lambda error: None    # a request made in the background was refused
        self._failed = None
        self._attempt = 0
        self._reconnect_at = 0.0
        self._target = None
        self._sock = None
        self._beats, self._beat_due = 0, False
        self._reset_connection()

    # ------------------------------------------------ what a program calls

    def connect(self, timeout=10.0):
        """Connect, say hello and wait for Welcome. Heads and rows follow while poll() or receive() runs."""
        self.close()
        self._failed = None
        deadline = clock.monotonic() + timeout
        self._open(timeout)
        self._wait(lambda: self.welcome is not None, deadline - clock.monotonic(), "no Welcome")
        return self.welcome

    def close(self):
        self._drop(ConnectionLost("closed"))

    def send_later(self, peer, payload, kind=0):
        """Number and keep a message; it goes out with the next poll(). Look at .done, .sent and .error."""
        peer, payload = _bytes(peer), _bytes(payload)
        if not valid_id(peer):
            raise ValueError("an id is 1 to 64 bytes of UTF-8")
        if self.welcome and len(payload) > self.welcome["payload_bytes_max"]:
            raise HawserError(ERROR_CODES["PAYLOAD_TOO_LARGE"], "not sent")   # found before it has a number
        conversation = self._conversation(("peer", peer))
        conversation.number += 1
        outgoing = Outgoing(conversation, conversation.number, kind, payload)
        conversation.pending.append(outgoing)
        self.on_save(self)
        return outgoing

    def send(self, peer, text, timeout=20.0):
        """Send and wait: (seq, time, durability). After a timeout the message stays stored and goes out later."""
        outgoing = self.send_later(peer, text)
        self._wait(lambda: outgoing.done, timeout, "no Sent")
        if outgoing.error:
            raise outgoing.error
        return outgoing.sent

    def receive(self, timeout=0.0):
        """The next row in order, or None."""
        deadline = clock.monotonic() + timeout
        while not self.inbox:
            left = deadline - clock.monotonic()
            self.poll(max(0.0, left))
            if left <= 0:
                break
        return self.inbox.popleft() if self.inbox else None

    def sync(self, timeout=20.0):
        """Ask for what changed since the watermark; returns when all of it is here and the watermark moved on."""
        self._start_sync()
        self.wait_synced(timeout)

    def wait_synced(self, timeout=20.0):
        self._wait(lambda: self.welcome is not None and self._sync is None, timeout, "sync not finished")

    def check(self, timeout=20.0):
        """True if nothing is missing; otherwise False, and a sync of everything has begun."""
        heads = [(conversation_key(self.user, c.name), c.next - 1) for c in self.conversations.values() if c.next > 1]
        return self._ask(CHECK, {"digest": check_digest(heads), "count": len(heads)}, timeout)

    def fetch(self, peer, from_seq=0, backward=False, limit=0, timeout=20.0):
        """One Page of rows, apart from what receive() delivers."""
        return self._ask(FETCH, {"peer": _bytes(peer), "from_seq": from_seq, "backward": backward, "limit": limit}, timeout)

    def read(self, peer, seq):
        conversation = self._conversation(("peer", _bytes(peer)))
        conversation.read_seq = max(conversation.read_seq, seq)
        self.on_save(self)
        if self.welcome:                # otherwise the Sync after Welcome finds the difference
            self._queue.append(Request(READ, {"peer": _bytes(peer), "seq": seq}))
            self.poll()

    def beat(self, timeout=10.0):
        """Send a beat and wait for the answer."""
        before, self._beat_due = self._beats, True
        self._wait(lambda: self._beats > before, timeout, "beat not answered")

    def state(self):
        """Everything that has to survive a restart, ready for JSON."""
        return {"install": self.install.hex(), "connection": self.connection, "watermark": self.watermark.hex(),
                "conversations": [
                    {"name": [c.name[0], "" if c.name[1] is True else c.name[1].hex()], "next": c.next,
                     "hash": c.hash.hex(), "read_seq": c.read_seq, "number": c.number,
                     "pending": [[o.client_seq, o.kind, o.payload.hex()] for o in c.pending]}
                    for c in self.conversations.values()]}

    def restore(self, state):
        self.install, self.connection = bytes.fromhex(state["install"]), state["connection"]
        self.watermark, self.conversations = bytes.fromhex(state["watermark"]), {}
        for saved in state["conversations"]:
            field, value = saved["name"]
            c = self._conversation((field, True if field == "self" else bytes.fromhex(value)))
            c.next, c.hash = saved["next"], bytes.fromhex(saved["hash"])
            c.read_seq, c.number = saved["read_seq"], saved["number"]
            c.pending = [Outgoing(c, number, kind, bytes.fromhex(payload)) for number, kind, payload in saved["pending"]]

    def poll(self, timeout=0.0):
        """Send what is due, read what is there (waiting up to `timeout` for it), and act on it."""
        if self._failed:
            raise self._failed
        now = clock.monotonic()
        if self._sock is None:
            if not self.reconnect or self._reconnect_at is None:
                raise ConnectionLost("not connected")
            if now < self._reconnect_at:
                clock.sleep(min(timeout, self._reconnect_at - now))
                return
            self._open(10.0)
            return
        try:
            self._timers(now)
            self._flush(now)
            if self._sock is None:
                return
            self._sock.settimeout(max(0.001, min(timeout, 0.1)))
            try:
                data = self._sock.recv(65536)
            except (socket.timeout, BlockingIOError):
                if self._unheard_since is not None and now - self._unheard_since > REQUEST_TIMEOUT:
                    raise ConnectionLost("nothing heard for %d s" % REQUEST_TIMEOUT)
                return
            if not data:
                raise ConnectionLost("closed by the server")
            self._unheard_since = None
            self._reader.feed(data)
            while self._sock is not None:
                frame = self._reader.next()
                if frame is None:
                    break
                self._on_frame(frame)
            if self._sock is not None:
                self._flush(clock.monotonic())
        except (OSError, DecodeError) as error:
            self._lost(error)
        except HawserError as error:
            if self._failed is error or error.name not in ("BAD_FRAME", "FRAME_TOO_LARGE"):
                raise
            self._lost(error)           # the server sent what is no frame

    # ------------------------------------------------ connection

    def _reset_connection(self):
        self.welcome = None
        self._reader = FrameReader()
        self._number = 0                # of the last message sent after Hello
        self._requests = {}             # number -> Request without an answer
        self._queue = collections.deque()   # Requests (not Sends) that wait for their turn
        self._sync = None               # {"ref": of the page awaited, "waiting": {conversation: seq}, "watermark": last page's}
        self._welcomed_at = 0.0
        self._last_write = 0.0
        self._unheard_since = None      # when something was sent that must be answered, with no byte received since
        self._leave_at = None
        self._allowance, self._allowance_at = 0.0, 0.0
        for c in self.conversations.values():
            c.head, c.held, c.hashes, c.fetch, c.pull_at, c.hold_until = 0, {}, {}, None, None, 0.0
            for outgoing in c.pending:
                outgoing.ref = None

    def _open(self, timeout):
        self.connection += 1
        self.on_save(self)
        self._reset_connection()
        try:
            sock = socket.create_connection(self._target or self.address, timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock = self.tls.wrap_socket(sock, server_hostname=self.address[0]) if self.tls else sock
            hello = {"version_min": 1, "version_max": 1, "token": self.token() if callable(self.token) else self.token,
                     "device": self.device, "install": self.install, "connection": self.connection, "sync": True,
                     "watermark": self.watermark, "network": self.network, "frame_bytes_max": DEFAULT_LIMIT,
                     "codecs": [CODEC_DEFLATE], "dictionaries": list(self.dictionaries)}
            self._write(encode_frame(HELLO, encode("Hello", hello)), answered=True)
        except OSError as error:
            self._target = None         # it may be the target that does not answer
            self._lost(error)
            return
        self._sync = {"ref": 0, "waiting": {}, "watermark": None}

    def _drop(self, error):
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        for request in list(self._requests.values()) + list(self._queue):
            request.asked.error = error
        self._reset_connection()
        self._reconnect_at = None

    def _lost(self, error, wait=None):
        """After a loss: come again after `wait` seconds, or with full jitter; or tell the caller."""
        leave_at = self._leave_at
        self._drop(error)
        if not self.reconnect:
            raise error if isinstance(error, (HawserError, ConnectionLost)) else ConnectionLost(str(error)) from error
        now = clock.monotonic()
        if wait is None and leave_at is not None:
            wait = max(0.0, leave_at - now)
        if wait is None:
            wait = random.uniform(0, min(30.0, 0.5 * 2 ** min(self._attempt, 10)))
        self._attempt += 1
        self._reconnect_at = now + wait

    def _closed_by_error(self, error):
        final = error.name in NO_RECONNECT or error.name == "TOKEN_EXPIRED" and not callable(self.token)
        if final or not self.reconnect:
            self._drop(error)
            self._failed = error
            raise error
        at_once = error.name in ("TOKEN_EXPIRED", "IDLE_TIMEOUT") and self._attempt == 0
        if error.retry_after_ms:
            # Many may be told the same (SPEC.md §3).
            return self._lost(error, max(error.retry_after_ms / 1000, random.uniform(0.25, 1.0)))
        self._lost(error, 0.0 if at_once else None)

    def _write(self, data, answered):
        if self._sock is None:
            raise ConnectionLost("not connected")
        now = clock.monotonic()
        self._sock.settimeout(REQUEST_TIMEOUT)
        self._sock.sendall(data)
        self._last_write = now
        if answered and self._unheard_since is None:
            self._unheard_since = now

    # ------------------------------------------------ requests

    def _wait(self, condition, timeout, what):
        deadline = clock.monotonic() + timeout
        while not condition():
            left = deadline - clock.monotonic()
            if left <= 0:
                raise TimeoutError(what)
            self.poll(left)

    def _ask(self, type_, fields, timeout):
        """A request whose answer the caller waits for."""
        self._wait(lambda: self.welcome is not None, timeout, "not connected")
        request = Request(type_, fields)
        self._queue.append(request)
        self._wait(lambda: request.result is not None or request.error is not None, timeout, "no answer")
        if request.error is not None:
            raise request.error
        return request.result

    def _transmit(self, request):
        """Every message after Hello takes a number, an unanswered Read too."""
        self._number += 1
        request.number, request.sent_at, request.waiting = self._number, clock.monotonic(), True
        if request.type != READ:
            self._requests[request.number] = request
        if request.outgoing is not None:
            request.outgoing.ref = request.number
        self._write(encode_frame(request.type, encode(TYPE_NAMES[request.type], request.fields)), request.type != READ)

    def _again(self, request, wait=0.0):
        """Sent again under a new number; an answer to the old one is still welcome."""
        request.waiting = False
        if request.outgoing is not None:
            if request.outgoing.ref == request.number:
                request.outgoing.ref = None
            return
        copy = Request(request.type, request.fields, conversation=request.conversation, asked=request.asked)
        copy.not_before = clock.monotonic() + wait
        if request.type == SYNC:
            if self._sync is None or self._sync["ref"] != request.number:
                return                      # a later Sync has taken its place
            self._sync["ref"] = copy
        elif request.conversation is not None:
            if request.conversation.fetch is not request:
                return
            request.conversation.fetch = copy
        self._queue.append(copy)

    def _flush(self, now):
        """Write Sends (in order, per conversation), then other requests, as far as the server's limits allow."""
        if self.welcome is None:
            return
        room = (self.welcome["requests_in_flight_max"] or 1 << 30) - sum(r.waiting for r in self._requests.values())
        rate = self.welcome["sends_per_second"]
        if rate:
            self._allowance = min(2.0 * rate, self._allowance + (now - self._allowance_at) * rate)
            self._allowance_at = now
        for c in list(self.conversations.values()):
            for outgoing in c.pending if now >= c.hold_until else ():
                if outgoing.ref is not None:
                    continue
                if room <= 0 or rate and self._allowance < 1:
                    break
                room, self._allowance = room - 1, self._allowance - 1
                self._transmit(Request(SEND, {c.name[0]: c.name[1], "client_seq": outgoing.client_seq,
                                              "kind": outgoing.kind, "payload": outgoing.payload}, outgoing))
        for _ in range(len(self._queue)):
            request = self._queue.popleft()
            if room <= 0 or now < request.not_before:
                self._queue.append(request)
                continue
            room -= 1
            self._transmit(request)
            if self._sync is not None and self._sync["ref"] is request:
                self._sync["ref"] = request.number

    def _timers(self, now):
        if self._leave_at is not None and now >= self._leave_at:
            self._drop(ConnectionLost("left as told by GoAway"))
            self._reconnect_at = now
            return
        if self.welcome is None:
            return
        heartbeat = self.welcome["heartbeat_ms"] / 1000
        if self._beat_due or heartbeat and now - self._last_write >= heartbeat:
            self._beat_due = False
            self._write(BEAT_BYTE, answered=True)
        if self._sync is not None and self._sync["ref"] == 0 and now - self._welcomed_at > REQUEST_TIMEOUT:
            self._start_sync()              # the Sync inside Hello was not answered
        for request in list(self._requests.values()):
            if request.waiting and now - request.sent_at > REQUEST_TIMEOUT:
                self._again(request)
        for c in self.conversations.values():
            if c.pull_at is not None and now >= c.pull_at:
                self._pull(c)

    # ------------------------------------------------ frames

    def _on_frame(self, frame):
        if frame is BEAT:
            self._beats += 1
            return
        name = TYPE_NAMES.get(frame.type)
        if self.welcome is None and frame.type not in (WELCOME, ERROR, GO_AWAY):
            raise DecodeError("type %d before Welcome" % frame.type)
        handler = getattr(self, "_on_" + name.lower(), None) if name else None
        for body in frame.messages:
            if handler is not None and self._sock is not None:     # an unknown type is ignored
                handler(decode(name, body))

    def _on_welcome(self, message):
        self.welcome, self.user = message, message["user"]
        if message["codec"] == CODEC_DEFLATE:
            self._reader.dictionary = self.dictionaries.get(message["dictionary"], b"")
        self._attempt = 0
        self._welcomed_at = self._allowance_at = clock.monotonic()
        self._allowance = 2.0 * message["sends_per_second"]

    def _on_goaway(self, message):
        self._leave_at = clock.monotonic() + message["reconnect_after_ms"] / 1000
        host, _, port = message["target"].rpartition(":")
        if host and port.isdigit():
            self._target = host.strip("[]"), int(port)

    def _on_resync(self, _message):
        self._sync = None
        for request in list(self._requests.values()):
            if request.waiting:
                self._again(request)    # Sends go first: _flush writes them before the queue
        self._start_sync()

    def _on_error(self, message):
        error = HawserError(message["code"], message["detail"], message["closes"], message["ref"],
                            message["retry_after_ms"], message["expected"])
        if error.closes:
            self._closed_by_error(error)
            return
        request = self._requests.pop(error.ref, None)
        if request is None:
            if error.ref == 0 and self._sync is not None and self._sync["ref"] == 0:
                self._start_sync(self._retry_wait(error))      # the Sync inside Hello was refused
            else:
                self.on_problem(error)
            return
        request.waiting = False
        if request.outgoing is not None:
            self._send_refused(request, error)
        elif error.name in TRANSIENT:
            self._again(request, self._retry_wait(error))
        else:
            if request.conversation is not None and request.conversation.fetch is request:
                request.conversation.fetch = None
                request.conversation.head = 0
                request.conversation.held.clear()
            request.asked.error = error
            if request.type == SYNC or request.conversation is not None:
                self.on_problem(error)

    @staticmethod
    def _retry_wait(error):
        return error.retry_after_ms / 1000 or random.uniform(0.1, 0.5)

    # ------------------------------------------------ sending

    def _send_refused(self, request, error):
        outgoing, c = request.outgoing, request.outgoing.conversation
        if outgoing.done:
            return
        if error.name in TRANSIENT or error.name == "OUT_OF_ORDER":
            if outgoing.ref != request.number:
                return                                   # about an earlier attempt
            if error.name == "OUT_OF_ORDER":
                # What went out before this and is not taken yet has to go out again, this one behind it.
                first = error.expected
                if all(o.client_seq != first for o in c.pending):
                    outgoing.refusals += 1
            else:
                first = outgoing.client_seq
                c.hold_until = clock.monotonic() + self._retry_wait(error)
            if outgoing.refusals < 5:
                for other in c.pending:
                    behind = error.name != "OUT_OF_ORDER" or (other.ref or 0) <= request.number
                    if other.client_seq >= first and behind and other.ref is not None:
                        if other.ref in self._requests:
                            self._requests[other.ref].waiting = False
                        other.ref = None
                return
        outgoing.error = error
        c.pending.remove(outgoing)
        if error.name == "BAD_REQUEST" and outgoing.client_seq == c.number:
            c.number -= 1                                # the number is free again
        self.on_save(self)

    def _settle(self, outgoing, sent):
        if outgoing.sent is None:
            outgoing.conversation.pending.remove(outgoing)
            outgoing.sent = sent
            self.on_save(self)

    def _on_sent(self, message):
        request = self._requests.pop(message["ref"], None)
        if request is None or request.outgoing is None or request.outgoing.error:
            return
        request.waiting = False
        outgoing, c = request.outgoing, request.outgoing.conversation
        if outgoing.ref in self._requests:
            self._requests[outgoing.ref].waiting = False
        self._settle(outgoing, Sent(message["seq"], message["time"], message["durability"]))
        self._offer(c, Row(c.name, message["seq"], message["time"], self.user, outgoing.kind, outgoing.payload, True))

    # ------------------------------------------------ receiving

    def _conversation(self, name):
        if name not in self.conversations:
            self.conversations[name] = Conversation(name)
        return self.conversations[name]

    def _row(self, c, push):
        sender = push["from"] or (b"" if c.name[0] == "self" else self.user)
        mine = sender == self.user and push["install"] == self.install
        if mine:
            for outgoing in c.pending:
                if outgoing.client_seq == push["client_seq"]:
                    if outgoing.ref in self._requests:
                        self._requests[outgoing.ref].waiting = False
                    self._settle(outgoing, Sent(push["seq"], push["time"], 0))     # durability: not said
                    break
        return Row(c.name, push["seq"], push["time"], sender, push["kind"], push["payload"], mine)

    def _on_push(self, push):
        if push["self"]:
            name = ("self", True)
        elif push["group"]:
            name = ("group", push["group"])
        else:
            name = ("peer", push["from"] or push["to"])
        if not name[1]:
            raise DecodeError("a Push without a conversation")
        c = self._conversation(name)
        self._offer(c, self._row(c, push))

    def _offer(self, c, row):
        """Show the row if it is the next one; keep it if there is a hole before it."""
        if row.seq == c.next:
            self._show(c, row)
        elif row.seq > c.next and len(c.held) < HELD_ROWS_MAX:
            c.held[row.seq] = row
        self._advance(c)

    def _show(self, c, row):
        """row.seq == c.next. False when the hash does not agree and the conversation begins anew."""
        c.hash = next_hash(c.hash, row.seq, row.sender, row.kind, row.time, row.payload)
        c.next += 1
        c.pull_at = None
        self.on_row(row)
        announced = c.hashes.pop(row.seq, None)
        return announced is None or self._compare(c, announced)

    def _advance(self, c):
        """Show what is held, then look for a hole."""
        while c.next in c.held:
            if not self._show(c, c.held.pop(c.next)):
                break
        for seq in [s for s in c.held if s < c.next]:
            del c.held[seq]
        self._sync_progress()
        if c.fetch is None and (c.held or c.head >= c.next):
            own = any(o.ref is not None for o in c.pending) or any(row.mine for row in c.held.values())
            if own and c.head < c.next:                  # Sent and Push may overtake each other
                if c.pull_at is None:
                    c.pull_at = clock.monotonic() + OVERTAKING
            else:
                self._pull(c)

    def _pull(self, c):
        c.pull_at = None
        if c.fetch is None and (c.held or c.head >= c.next):
            c.fetch = Request(FETCH, {c.name[0]: c.name[1], "from_seq": c.next}, conversation=c)
            self._queue.append(c.fetch)

    def _on_page(self, message):
        request = self._requests.pop(message["ref"], None)
        if request is None:
            return
        request.waiting = False
        c = self._conversation(conversation_of(message))
        rows = [self._row(c, push) for push in message["rows"]]
        if request.conversation is None:                 # fetch(): the caller looks at it
            request.asked.result = Page(rows, message["hash_before"], message["head_seq"], message["more"])
            self._advance(c)
            return
        if c.fetch is request:
            c.fetch = None
        before = c.next
        first = rows[0].seq if rows else request.fields["from_seq"]
        ok = first != c.next or self._compare(c, message["hash_before"])
        for row in rows if ok else ():
            if row.seq == c.next and not self._show(c, row):
                ok = False
                break
        if ok and c.next == before and c.fetch is None and request.fields["from_seq"] == c.next:
            c.head = 0                                   # announced, but not there: do not ask for ever
            c.held.clear()
        elif ok and message["more"]:
            c.head = max(c.head, message["head_seq"])
        self._advance(c)

    def _compare(self, c, announced):
        """Compare the hash at next - 1; on a difference forget the conversation's rows and fetch them again."""
        if announced == c.hash:
            self.hashes_verified += 1
            return True
        c.restarts += 1
        if c.restarts > 2:
            self._drop(ConnectionLost("conversation hash"))
            self._failed = ValueError("the conversation hash of %r never agrees" % (c.name,))
            raise self._failed
        c.head, c.next, c.hash, c.fetch = max(c.head, c.next - 1), 1, NO_HASH, None
        c.held.clear()
        self.on_restart(c.name)
        return False

    # ------------------------------------------------ sync, check, read

    def _start_sync(self, wait=0.0):
        self._next_sync(self.watermark, {}, wait)

    def _next_sync(self, watermark, waiting, wait=0.0):
        request = Request(SYNC, {"watermark": watermark})
        request.not_before = clock.monotonic() + wait
        self._sync = {"ref": request, "waiting": waiting, "watermark": None}
        self._queue.append(request)

    def _on_heads(self, message):
        request = self._requests.pop(message["ref"], None)
        if request is not None:
            request.waiting = False
        if request is not None and request.type == CHECK:
            request.asked.result = False
            self._sync = {"ref": message["ref"], "waiting": {}, "watermark": None}   # as if it answered a Sync
        current = self._sync if self._sync is not None and self._sync["ref"] == message["ref"] else None
        for head in message["heads"]:
            c = self._conversation(conversation_of(head))
            if current is not None:
                current["waiting"][c.name] = head["seq"]
            if head["read_seq"] > c.read_seq:
                c.read_seq = head["read_seq"]
                self.reads.append((c.name, c.read_seq))
            elif head["read_seq"] < min(c.read_seq, head["seq"]):
                self._queue.append(Request(READ, {c.name[0]: c.name[1], "seq": c.read_seq}))
            c.head = max(c.head, head["seq"])
            if head["seq"] >= c.next:
                c.hashes[head["seq"]] = head["hash"]
            elif head["seq"] == c.next - 1:
                self._compare(c, head["hash"])
            self._advance(c)
        if current is not None:
            if message["more"]:
                self._next_sync(message["watermark"], current["waiting"])
            else:
                current["ref"], current["watermark"] = None, message["watermark"]
                self._sync_progress()

    def _sync_progress(self):
        """The watermark moves only when the last page of heads came and every row that they announce is here."""
        sync = self._sync
        if sync is None or sync["watermark"] is None:
            return
        if all(self.conversations[name].next > seq for name, seq in sync["waiting"].items()):
            self.watermark, self._sync = sync["watermark"], None
            self.on_save(self)

    def _on_checked(self, message):
        request = self._requests.pop(message["ref"], None)
        if request is not None:
            request.waiting = False
            request.asked.result = True

    def _on_read(self, message):
        c = self._conversation(conversation_of(message))
        c.read_seq = max(c.read_seq, message["seq"])
        self.reads.append((c.name, message["seq"]))
