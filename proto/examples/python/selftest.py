"""Tests of hawser_client.py.

    python3 selftest.py --vectors ../../vectors                                   without a server
    python3 selftest.py --host 127.0.0.1 --port 7400 --user-a alice --user-b bob  against a development server

The second form logs in with the tokens dev:alice and dev:bob. The two users may have talked before; they must not
talk to each other from elsewhere while the test runs. Exit code 0 only if everything passed.
"""
import argparse
import json
import os
import random
import socket
import sys
import threading
import time as clock

import hawser_client as hawser
from hawser_client import HawserClient, HawserError

passed = failed = 0


def step(name, test, *args):
    """Run one test; what it returns is handed on, None when it failed."""
    global passed, failed
    try:
        result = test(*args)
    except Exception as error:                  # a failed step must not hide the others
        failed += 1
        print("not ok - %s: %s: %s" % (name, type(error).__name__, error), flush=True)
        if "--trace" in sys.argv:
            import traceback
            traceback.print_exc()
        return None
    passed += 1
    print("ok - %s" % name, flush=True)
    return True if result is None else result


def expect(condition, what, *values):
    if not condition:
        raise AssertionError(what % values if values else what)


def same(found, wanted, what=""):
    if found != wanted:
        raise AssertionError("%s: %.300r is not %.300r" % (what, found, wanted))


# ---------------------------------------------------------------- (a) vectors

def unhex(text):
    """Hex; parts are separated by spaces, and "61*126" is the byte 0x61 126 times."""
    out = bytearray()
    for part in text.split():
        digits, _, times = part.partition("*")
        out += bytes.fromhex(digits) * int(times or 1)
    return bytes(out)


def cuts(length):
    """Ways to cut a stream into chunks: whole, in halves, by odd sizes, byte by byte when it is short."""
    yield [length]
    sizes = random.Random(length)
    for largest in (length // 2 + 1, 1000, 5):
        if length <= 4000 or largest > 5:
            chunks, left = [], length
            while left > 0:
                chunks.append(min(left, sizes.randint(1, largest)))
                left -= chunks[-1]
            yield chunks
    if length <= 4000:
        yield [1] * length


def read_stream(stream, limit, chunks):
    reader, frames, at = hawser.FrameReader(limit), [], 0
    for size in chunks:
        reader.feed(stream[at:at + size])
        at += size
        try:
            for frame in iter(reader.next, None):
                frames.append({"beat": True} if frame is hawser.BEAT else
                              {"type": frame.type, "bodies": list(frame.messages)})
        except HawserError as error:
            return frames, error.name, None
    return frames, None, reader.unfinished


def frames_vectors(data):
    for case in data["streams"]:
        stream = unhex(case["stream"])
        wanted = [{"beat": True} if "beat" in f else {"type": f["type"], "bodies": [unhex(b) for b in f["bodies"]]}
                  for f in case["frames"]]
        for chunks in cuts(len(stream)):
            frames, error, unfinished = read_stream(stream, case["limit"], chunks)
            same(frames, wanted, case["name"])
            same(error, case.get("error"), case["name"])
            if error is None:
                same(unfinished, case.get("unfinished", 0), case["name"])
        if wanted and not case.get("error") and not case.get("unfinished"):
            whole = b"".join(
                hawser.BEAT_BYTE if "beat" in f else hawser.encode_frame(f["type"], *f["bodies"]) for f in wanted)
            if all(not f.get("batch") or len(f["bodies"]) > 1 for f in case["frames"]):
                expect(whole == stream, "%s: encoded otherwise", case["name"])


def from_json(name, fields):
    """The fields of a vector as the codec has them: bytes are hex, what is left out has its default."""
    message = hawser.decode(name, b"")
    kinds = {field: kind for field, kind in hawser.SCHEMA[name].values()}
    for field, value in fields.items():
        kind = kinds[field]
        if kind == "bytes":
            value = unhex(value)
        elif kind == "uint":
            value = int(value)
        elif kind == "blobs":
            value = [unhex(v) for v in value]
        elif isinstance(kind, list):
            value = [from_json(kind[0], v) for v in value]
        message[field] = value
    return message


def messages_vectors(data):
    for case in data["messages"]:
        reader = hawser.FrameReader()
        reader.feed(unhex(case["frame"]))
        frame = reader.next()
        expect(frame is not None and reader.unfinished == 0 and len(frame.messages) == 1, "%s: no frame", case["name"])
        name = hawser.TYPE_NAMES.get(frame.type)
        same(name, case["type"], case["name"])
        try:
            found = hawser.decode(name, frame.messages[0])
        except hawser.DecodeError:
            found = None
        wanted = None if case.get("invalid") else from_json(name, case["fields"])
        same(found, wanted, case["name"])
        if wanted is not None:
            encoded = hawser.encode(name, wanted)
            same(hawser.decode(name, encoded), wanted, case["name"] + ", encoded and decoded")
            if case.get("exact"):
                same(hawser.encode_frame(frame.type, encoded), unhex(case["frame"]), case["name"] + ", encoded")


def keys_vectors(data):
    for case in data.get("ids", ()):
        same(hawser.valid_id(unhex(case["id"])), case["valid"], case["name"])
    make = {"direct": hawser.direct_key, "group": hawser.group_key, "self": hawser.self_key, "user": hawser.user_key}
    for case in data["keys"]:
        key = make[case["kind"]](*[unhex(i) for i in case["ids"]])
        same(key, unhex(case["key"]), case["name"])
        for shards, shard in case.get("shards", {}).items():
            same(hawser.shard_of(key, int(shards)), shard, case["name"])


def hashes_vectors(data):
    for case in data["conversations"]:
        h = unhex(case["hash_before"])
        for row in case["rows"]:
            h = hawser.next_hash(h, int(row["seq"]), unhex(row["sender"]), row["kind"], int(row["time"]), unhex(row["payload"]))
            same(h, unhex(row["hash"]), "%s, seq %s" % (case["name"], row["seq"]))


def digests_vectors(data):
    for case in data["digests"]:
        heads = [(unhex(h["key"]), int(h["seq"])) for h in case["heads"]]
        same(hawser.check_digest(heads), unhex(case["digest"]), case["name"])
        same(len(heads), case["count"], case["name"])


def compression_vectors(data):
    dictionaries = {b"": b""}
    for case in data["dictionaries"]:
        dictionary = unhex(case["bytes"])
        same(hawser.dictionary_id(dictionary), unhex(case["id"]), case["name"])
        dictionaries[unhex(case["id"])] = dictionary
    for case in data["bodies"]:
        try:
            found = hawser.inflate_body(unhex(case["body"]), case["limit"], dictionaries[unhex(case["dictionary"])])
        except HawserError as error:
            same(error.name, case.get("error"), case["name"])
            continue
        same(found, unhex(case.get("inflated", "")), case["name"])
        same(case.get("error"), None, case["name"])


def run_vectors(folder):
    for name, test in (("frames", frames_vectors), ("messages", messages_vectors), ("keys", keys_vectors),
                       ("hashes", hashes_vectors), ("digests", digests_vectors),
                       ("compression", compression_vectors)):
        path = os.path.join(folder, name + ".json")
        if not os.path.exists(path):
            print("skipped - %s: there is no %s" % (name, path))
            continue
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        step("vectors: %s (%d)" % (name, sum(len(v) for v in data.values() if isinstance(v, list))), test, data)


# ---------------------------------------------------------------- (b) a running server

class Wire:
    """A connection without the rules of a client, to say what a client must not say."""

    def __init__(self, address):
        self.sock = socket.create_connection(address, 10)
        self.reader, self.number, self.messages = hawser.FrameReader(), 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def raw(self, data):
        self.sock.settimeout(10)
        self.sock.sendall(data)

    def hello_bytes(self, token, device, install, connection=1, **more):
        return hawser.encode_frame(hawser.HELLO, hawser.encode("Hello", dict(
            {"version_min": 1, "version_max": 1, "token": token, "device": device, "install": install,
             "connection": connection}, **more)))

    def hello(self, token, device, install, connection=1, **more):
        self.raw(self.hello_bytes(token, device, install, connection, **more))
        return self.take("Welcome")

    def frame(self, name, *messages):
        """Bytes of a frame; its messages take their numbers."""
        self.number += len(messages)
        return hawser.encode_frame({n: t for t, n in hawser.TYPE_NAMES.items()}[name],
                                   *[hawser.encode(name, m) for m in messages])

    def write(self, name, *messages):
        """Send; the number of the (last) message."""
        self.raw(self.frame(name, *messages))
        return self.number

    def next(self, deadline):
        """("Name", message), ("beat", None), or None at the end of the stream."""
        while not self.messages:
            frame = self.reader.next()
            if frame is hawser.BEAT:
                return "beat", None
            if frame is not None:
                name = hawser.TYPE_NAMES.get(frame.type, "type %d" % frame.type)
                self.messages = [(name, hawser.decode(name, m)) for m in frame.messages if name in hawser.SCHEMA]
                continue
            left = deadline - clock.monotonic()
            if left <= 0:
                raise TimeoutError("nothing came")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                raise TimeoutError("nothing came") from None
            except ConnectionError:
                return None
            if not data:
                return None
            self.reader.feed(data)
        return self.messages.pop(0)

    def take(self, name, ref=None, timeout=10):
        """The next message of this name (and ref); pushes and the like in between are passed over."""
        deadline = clock.monotonic() + timeout
        while True:
            found = self.next(deadline)
            if found is None:
                raise AssertionError("closed instead of %s" % name)
            if found[0] == name and (ref is None or found[1]["ref"] == ref):
                return found[1]
            if found[0] == "Error" and (ref is None or found[1]["ref"] == ref):
                raise HawserError(found[1]["code"], "%s instead of %s" % (found[1]["detail"], name))
            if found[1] is not None and ref is not None and found[1].get("ref") == ref:
                raise AssertionError("%s instead of %s" % (found[0], name))

    def error(self, name, ref=0, closes=False):
        """The answer must be this Error."""
        found = self.take("Error", ref)
        same(hawser.ERROR_NAMES.get(found["code"], found["code"]), name, "code")
        same(found["closes"], closes, "closes of %s" % name)
        if closes:
            deadline = clock.monotonic() + 10
            while self.next(deadline) is not None:
                pass
        return found


class ServerTest:
    def __init__(self, options):
        self.address = options.host, options.port
        self.a, self.b = options.user_a.encode(), options.user_b.encode()
        self.token_a, self.token_b = "dev:" + options.user_a, "dev:" + options.user_b
        self.count = options.messages
        self.run = os.urandom(4).hex()      # in every text and device name of this run
        self.texts = 0

    def text(self):
        self.texts += 1
        return "%s %d ☕" % (self.run, self.texts)

    def client(self, token, device):
        return HawserClient(*self.address, token, "%s-%s" % (self.run, device), reconnect=False)

    def rows(self, client, count, peer, timeout=20):
        """The next `count` rows of one conversation; others are passed over."""
        found, deadline = [], clock.monotonic() + timeout
        while len(found) < count:
            left = deadline - clock.monotonic()
            if left <= 0:
                raise TimeoutError("%d of %d rows came" % (len(found), count))
            row = client.receive(left)
            if row is not None and row.conversation == ("peer", peer):
                found.append(row)
        return found

    def quiet(self, client, seconds=0.5):
        """Nothing more may come."""
        row = client.receive(seconds)
        expect(row is None, "one row too many: %s", row)

    def drain(self, *clients):
        for client in clients:
            while client.receive(0.3) is not None:
                pass

    def wire(self):
        return Wire(self.address)

    def hello(self, wire, who="a", device="wire", install=None, connection=1, **more):
        return wire.hello(self.token_a if who == "a" else self.token_b, ("%s-%s" % (self.run, device)).encode(),
                          install or os.urandom(8), connection, **more)

    # ---- the steps

    def login(self):
        self.ca = self.client(self.token_a, "a1")
        welcome = self.ca.connect()
        same(welcome["version"], 1, "version")
        same(self.ca.user, self.a, "user")
        expect(welcome["heartbeat_ms"] > 0, "no heartbeat_ms")
        expect(welcome["payload_bytes_max"] > 0 and welcome["frame_bytes_max"] > 0, "no limits")
        self.ca.wait_synced()
        self.drain(self.ca)

    def send_offline(self):
        out = [self.ca.send_later(self.b, self.text()) for _ in range(self.count - 1)]
        last = self.ca.send(self.b, self.text())
        sent = [o.sent for o in out] + [last]
        expect(all(sent), "a Send without Sent")
        same([s.seq for s in sent], list(range(sent[0].seq, sent[0].seq + self.count)), "seq")
        expect(all(x.time <= y.time for x, y in zip(sent, sent[1:])), "time falls")
        expect(all(1 <= s.durability <= 3 for s in sent), "durability %s", sent)
        same([r.seq for r in self.rows(self.ca, self.count, self.b)], [s.seq for s in sent], "own rows")
        self.first, self.last = sent[0].seq, sent[-1].seq
        self.sent = sent

    def first_sync(self):
        self.cb = self.client(self.token_b, "b1")
        self.cb.connect()
        self.cb.wait_synced()
        rows = self.rows(self.cb, self.last, self.a)
        same([r.seq for r in rows], list(range(1, self.last + 1)), "seq")
        ours = rows[self.first - 1:]
        same([r.payload.decode() for r in ours], ["%s %d ☕" % (self.run, i + 1) for i in range(self.count)], "texts")
        same({r.sender for r in ours}, {self.a}, "sender")
        same([r.time for r in ours], [s.time for s in self.sent], "time")
        self.drain(self.cb)
        expect(self.cb.watermark, "no watermark")

    def hashes(self):
        expect(self.cb.hashes_verified > 0, "no hash was compared")
        a, b = self.ca.conversations["peer", self.b], self.cb.conversations["peer", self.a]
        same((a.next, a.hash), (b.next, b.hash), "hash of both sides")
        same(a.restarts + b.restarts, 0, "restarts")

    def live(self):
        for _ in range(3):
            for sender, receiver, me, you in (self.ca, self.cb, self.a, self.b), (self.cb, self.ca, self.b, self.a):
                text = self.text()
                sent = sender.send(you, text)
                row = self.rows(receiver, 1, me)[0]
                same((row.seq, row.time, row.sender, row.payload.decode(), row.mine),
                     (sent.seq, sent.time, me, text, False), "pushed row")
                own = self.rows(sender, 1, you)[0]
                same((own.seq, own.sender, own.mine), (sent.seq, me, True), "own row")
        self.quiet(self.ca)
        self.quiet(self.cb)

    def resume(self):
        state = json.loads(json.dumps(self.cb.state()))         # as if the program had ended
        self.cb.close()
        clock.sleep(0.2)
        texts = [self.text() for _ in range(5)]
        sent = [self.ca.send(self.b, text) for text in texts]
        self.cb = self.client(self.token_b, "b1")
        self.cb.restore(state)
        self.cb.connect()
        self.cb.wait_synced()
        rows = self.rows(self.cb, len(texts), self.a)
        same([(r.seq, r.payload.decode()) for r in rows], [(s.seq, t) for s, t in zip(sent, texts)], "rows")
        self.quiet(self.cb)
        same(self.cb.conversations["peer", self.a].restarts, 0, "restarts")
        self.drain(self.ca)

    def retry(self):
        install, message = os.urandom(8), {"peer": self.b, "client_seq": 1, "payload": self.text().encode()}
        with self.wire() as wire:
            self.hello(wire, install=install)
            first = wire.take("Sent", wire.write("Send", message))
            again = wire.take("Sent", wire.write("Send", message))
            same((again["seq"], again["time"]), (first["seq"], first["time"]), "the retry")
        with self.wire() as wire:
            self.hello(wire, install=install, connection=2)
            again = wire.take("Sent", wire.write("Send", message))
            same((again["seq"], again["time"]), (first["seq"], first["time"]), "the retry on another connection")
        rows = self.rows(self.cb, 1, self.a)
        same(rows[0].seq, first["seq"], "seq of the push")
        self.quiet(self.cb)

    def numbering(self):
        with self.wire() as wire:
            self.hello(wire)
            message = {"peer": self.b, "client_seq": 1, "payload": self.text().encode()}
            first = wire.take("Sent", wire.write("Send", message))
            wire.error("CLIENT_SEQ_REUSED", wire.write("Send", dict(message, payload=self.text().encode())))
            wire.error("CLIENT_SEQ_REUSED", wire.write("Send", dict(message, kind=1)))
            same(wire.take("Sent", wire.write("Send", message))["seq"], first["seq"], "after the refusals")
            found = wire.error("OUT_OF_ORDER", wire.write("Send", dict(message, client_seq=5)))
            same(found["expected"], 2, "expected")
            second = wire.take("Sent", wire.write("Send", dict(message, client_seq=2)))
            same(second["seq"], first["seq"] + 1, "the number that was expected")
        self.drain(self.ca, self.cb)

    def used_up(self):
        with self.wire() as wire:
            limit = self.hello(wire)["payload_bytes_max"]
            text = {"peer": self.b, "client_seq": 1, "payload": b"\xff\xfe"}
            wire.error("BAD_TEXT", wire.write("Send", text))
            wire.error("BAD_TEXT", wire.write("Send", text))
            large = {"peer": self.b, "client_seq": 2, "kind": 1, "payload": bytes(limit + 1)}
            wire.error("PAYLOAD_TOO_LARGE", wire.write("Send", large))
            wire.error("UNSUPPORTED", wire.write("Send", {"peer": self.b, "client_seq": 3, "kind": 31}))
            wire.take("Sent", wire.write("Send", {"peer": self.b, "client_seq": 4, "kind": 32, "payload": bytes(limit)}))
            wire.error("FORBIDDEN", wire.write("Send", {"self": True, "client_seq": 1}))
            wire.error("NOT_MEMBER", wire.write("Send", {"group": b"g", "client_seq": 1}))
        self.drain(self.ca, self.cb)

    def batch(self):
        install = os.urandom(8)
        with self.wire() as wire:
            device = ("%s-wire" % self.run).encode()
            sends = [{"peer": self.b, "client_seq": n, "payload": self.text().encode()} for n in (1, 2, 3)]
            wire.raw(wire.hello_bytes(self.token_a, device, install) + hawser.BEAT_BYTE + wire.frame("Send", *sends) +
                     wire.frame("Sync", {}))
            wire.take("Welcome")
            seqs, refs = [], {1, 2, 3, 4}
            while refs:
                name, found = wire.next(clock.monotonic() + 10)
                if name == "Sent":
                    seqs.append((found["ref"], found["seq"]))
                expect(name != "Error", "%s", found)
                if name in ("Sent", "Heads"):
                    refs.remove(found["ref"])
            seqs = [seq for _, seq in sorted(seqs)]
            same(seqs, list(range(seqs[0], seqs[0] + 3)), "seq")
        self.drain(self.ca, self.cb)

    def bad_requests(self):
        with self.wire() as wire:
            self.hello(wire)
            wire.raw(hawser.encode_frame(25, b"whatever"))
            wire.number += 1
            wire.error("UNKNOWN_TYPE", wire.number)
            wire.error("BAD_REQUEST", wire.write("Fetch", {"peer": self.b, "group": b"g", "from_seq": 1}))
            wire.error("BAD_REQUEST", wire.write("Fetch", {"from_seq": 1}))
            wire.error("BAD_REQUEST", wire.write("Send", {"peer": b"x" * 65, "client_seq": 1}))
            wire.error("BAD_REQUEST", wire.write("Read", {"peer": b"\xff", "seq": 1}))
            wire.take("Heads", wire.write("Sync", {}))          # still connected, and counted the same
            wire.raw(wire.hello_bytes(self.token_a, b"x", os.urandom(8)))
            wire.error("BAD_REQUEST", None, closes=True)

    def bad_token(self):
        with self.wire() as wire:
            wire.raw(wire.hello_bytes("nonsense", b"x", os.urandom(8)) +
                     wire.frame("Send", {"peer": self.b, "client_seq": 1, "payload": b"must not arrive"}))
            wire.error("AUTH_FAILED", closes=True)
        client = self.client("nonsense", "x")
        try:
            client.connect()
        except HawserError as error:
            same((error.code, error.name, error.closes), (6, "AUTH_FAILED", True), "what the client raises")
        else:
            raise AssertionError("a bad token was accepted")
        self.quiet(self.cb)

    def hello_first(self):
        with self.wire() as wire:
            wire.write("Sync", {})
            wire.error("HELLO_EXPECTED", closes=True)
        with self.wire() as wire:
            wire.raw(wire.hello_bytes(self.token_a, b"x", os.urandom(8), version_min=9, version_max=9))
            wire.error("VERSION_UNSUPPORTED", closes=True)

    def garbage(self):
        for data in b"\x80\x00", b"\xff\xff\xff\xff", b"\x01\x00", b"\x02\x85a", b"\x03\x45\x01a", b"\x01\x25", b"\x03\x25\x02a":
            with self.wire() as wire:
                self.hello(wire)
                wire.raw(data)
                wire.error("BAD_FRAME", closes=True)

    def too_large(self):
        with self.wire() as wire:
            wire.raw(hawser.encode_length(9 * 1024))            # nothing behind it: the length is enough
            wire.error("FRAME_TOO_LARGE", closes=True)
        with self.wire() as wire:
            limit = self.hello(wire)["frame_bytes_max"]
            wire.raw(hawser.encode_length(limit + 1))
            wire.error("FRAME_TOO_LARGE", closes=True)

    def beat(self):
        with self.wire() as wire:
            self.hello(wire)
            for _ in range(3):
                wire.raw(b"\x00")
                wire.sock.settimeout(10)
                same(wire.sock.recv(100), b"\x00", "the answer to a beat")
        self.ca.beat()

    def fetch(self):
        head = self.cb.conversations["peer", self.a].next - 1
        page = self.cb.fetch(self.a, 1, limit=3)
        same([r.seq for r in page.rows], [1, 2, 3], "forward")
        same((page.hash_before, page.head_seq, page.more), (hawser.NO_HASH, head, True), "forward")
        page = self.cb.fetch(self.a, head - 1)
        same(([r.seq for r in page.rows], page.more), ([head - 1, head], False), "to the head")
        page = self.cb.fetch(self.a, head + 1)
        same((page.rows, page.more), ([], False), "beyond the head")
        same(page.hash_before, self.cb.conversations["peer", self.a].hash, "hash at the head")
        page = self.cb.fetch(self.a, 0, backward=True, limit=3)
        same([r.seq for r in page.rows], list(range(head - 2, head + 1)), "backward from the head")
        same((page.head_seq, page.more), (head, True), "backward from the head")
        h = page.hash_before
        for row in page.rows:
            h = hawser.next_hash(h, row.seq, row.sender, row.kind, row.time, row.payload)
        same(h, self.cb.conversations["peer", self.a].hash, "hash of a backward page")
        page = self.cb.fetch(self.a, 3, backward=True, limit=2)
        same(([r.seq for r in page.rows], page.more), ([2, 3], True), "backward from 3")
        page = self.cb.fetch(self.a, 2, backward=True)
        same(([r.seq for r in page.rows], page.more, page.hash_before), ([1, 2], False, hawser.NO_HASH), "backward from 2")
        page = self.cb.fetch("nobody-" + self.run, 1)
        same((page.rows, page.head_seq, page.more), ([], 0, False), "a conversation without rows")

    def gap_pull(self):
        """A client that has only the newest push must fill the hole by itself."""
        client = self.client(self.token_b, "b-gap")
        client.connect()
        client.wait_synced()
        self.drain(client)
        conversation, text = client.conversations["peer", self.a], self.text()
        del client.conversations["peer", self.a]                # it forgets the conversation while connected
        sent = self.ca.send(self.b, text)
        rows = self.rows(client, sent.seq, self.a)
        same([r.seq for r in rows], list(range(1, sent.seq + 1)), "seq")
        same(rows[-1].payload.decode(), text, "text")
        same(client.conversations["peer", self.a].next, conversation.next + 1, "next")
        client.close()
        self.drain(self.ca, self.cb)

    def check(self):
        self.drain(self.ca, self.cb)
        for client in self.ca, self.cb:
            for _ in range(3):                                  # a push may be under way
                if client.check():
                    break
                client.wait_synced()
                self.drain(client)
            else:
                raise AssertionError("the digests never agree")
        with self.wire() as wire:
            self.hello(wire)
            heads = wire.take("Heads", wire.write("Check", {"digest": bytes(8), "count": 0}))
            every = wire.take("Heads", wire.write("Sync", {}))
            same({hawser.conversation_of(h) for h in heads["heads"]}, {hawser.conversation_of(h) for h in every["heads"]},
                 "heads for a wrong digest")
            expect(heads["heads"], "no heads for a wrong digest")

    def second_device(self):
        for me, you, first, token in (self.a, self.b, self.ca, self.token_a), (self.b, self.a, self.cb, self.token_b):
            second = self.client(token, "second")
            second.connect()
            second.wait_synced()
            self.drain(second)
            second.reads.clear()
            sent = first.send(you, self.text())
            row = self.rows(second, 1, you)[0]
            same((row.seq, row.sender, row.mine), (sent.seq, me, False), "own message on the second device")
            first.read(you, sent.seq)
            deadline = clock.monotonic() + 10
            while (("peer", you), sent.seq) not in second.reads:
                expect(clock.monotonic() < deadline, "Read did not come")
                second.poll(0.2)
            second.close()
            deadline = clock.monotonic() + 15                   # it is stored within a few seconds
            with self.wire() as wire:
                self.hello(wire, "a" if me == self.a else "b")
                while True:
                    heads = wire.take("Heads", wire.write("Sync", {}))
                    if any(h["peer"] == you and h["read_seq"] == sent.seq for h in heads["heads"]):
                        break
                    expect(clock.monotonic() < deadline, "no head with the read position")
                    clock.sleep(0.5)
            self.drain(self.ca, self.cb)

    def notes(self):
        second = self.client(self.token_a, "second")
        second.connect()
        second.wait_synced()
        self.drain(second)
        text = self.text()
        sent = self.ca.send(self.a, text)
        row = self.rows(second, 1, self.a)[0]
        same((row.seq, row.sender, row.payload.decode()), (sent.seq, self.a, text), "note on the second device")
        same(second.conversations["peer", self.a].hash, self.ca.conversations["peer", self.a].hash, "hash")
        second.close()
        self.drain(self.ca)

    def replaced(self):
        install = os.urandom(8)
        with self.wire() as old, self.wire() as new, self.wire() as late:
            self.hello(old, device="replaced", install=install, connection=5)
            self.hello(new, device="replaced", install=install, connection=6)
            old.error("REPLACED", closes=True)
            late.raw(late.hello_bytes(self.token_a, ("%s-replaced" % self.run).encode(), install, 4))
            deadline = clock.monotonic() + 10
            found = late.next(deadline)
            if found is not None and found[0] == "Welcome":     # the refusal may come before or after Welcome
                found = late.next(deadline)
            expect(found is not None and found[0] == "Error", "a lower counter was not refused")
            same(hawser.ERROR_NAMES.get(found[1]["code"]), "REPLACED", "code")
            new.raw(b"\x00")
            same(new.next(clock.monotonic() + 10), ("beat", None), "the connection that stays")

    def finish(self):
        self.hashes()
        for client in self.ca, self.cb:
            expect(not any(c.pending or c.held for c in client.conversations.values()), "something is left over")
            client.close()

    def all(self):
        if not (step("a logs in", self.login) and
                step("a sends %d messages while b is offline" % self.count, self.send_offline) and
                step("b logs in with sync and gets all in order, once", self.first_sync)):
            print("the rest needs these")
            return
        step("the hashes agree", self.hashes)
        step("live pushes both ways", self.live)
        step("b resumes with its watermark and gets only the rest", self.resume)
        step("a retry of an old number gets the first seq and time", self.retry)
        step("CLIENT_SEQ_REUSED and OUT_OF_ORDER with expected", self.numbering)
        step("permanent refusals use their number up", self.used_up)
        step("requests behind Hello, a batch of Sends", self.batch)
        step("UNKNOWN_TYPE and BAD_REQUEST keep the connection", self.bad_requests)
        step("a bad token: AUTH_FAILED and close", self.bad_token)
        step("HELLO_EXPECTED, VERSION_UNSUPPORTED", self.hello_first)
        step("garbage: BAD_FRAME and close", self.garbage)
        step("9 KiB before Welcome: FRAME_TOO_LARGE and close", self.too_large)
        step("a beat is answered by one byte 0x00", self.beat)
        step("Fetch forward and backward", self.fetch)
        step("a hole is pulled", self.gap_pull)
        step("Check", self.check)
        step("Sends and Reads reach the second device", self.second_device)
        step("notes to self", self.notes)
        step("REPLACED", self.replaced)
        step("both logs are the same at the end", self.finish)


def main():
    options = argparse.ArgumentParser(description="Tests of hawser_client.py")
    options.add_argument("--vectors", metavar="DIR", help="the folder with the test vectors")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, help="of a development server")
    options.add_argument("--user-a", default="alice")
    options.add_argument("--user-b", default="bob")
    options.add_argument("--messages", type=int, default=20, help="how many a sends while b is offline")
    options.add_argument("--timeout", type=float, default=240, help="seconds for everything")
    options.add_argument("--trace", action="store_true", help="print where a step failed")
    options = options.parse_args()
    if not options.vectors and not options.port:
        print("give --vectors DIR, or --host and --port, or both")
        return 2

    def out_of_time():
        print("not ok - not finished within %d s" % options.timeout, flush=True)
        os._exit(1)
    watchdog = threading.Timer(options.timeout, out_of_time)
    watchdog.daemon = True
    watchdog.start()
    if options.vectors:
        run_vectors(options.vectors)
    if options.port:
        ServerTest(options).all()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
