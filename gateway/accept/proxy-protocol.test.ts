// The PROXY header: the vectors that the native core shares, whole and cut at every place; any bytes at all; and
// addresses against node's own idea of them.
import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import t from "tap";
import { formatIp, IpRanges, ipBytes, parseIp } from "./ip-address.ts";
import { PROXY_HEADER_BYTES_MAX, ProxyRead, proxyHeader, readProxyHeader } from "./proxy-protocol.ts";
import { joined, PROXY_VECTORS, proxyV1, proxyV2 } from "./testing/proxy-vectors.ts";

t.test("vectors: what each header says, and that its outcome comes with the byte that decides it", (t) => {
  for (const { what, bytes, address, port, headerBytes } of PROXY_VECTORS) {
    const outcome = readProxyHeader(bytes);
    if (address === undefined) t.equal(outcome, ProxyRead.Bad, what);
    else if (address === "more") t.equal(outcome, ProxyRead.More, what);
    else t.same([outcome, { ...proxyHeader }], [ProxyRead.Done, { address, port, bytes: headerBytes }], what);
    // More, then once something else, and that for good.
    let decided = false;
    for (let length = 0; length <= bytes.length; length++) {
      const now = readProxyHeader(bytes.subarray(0, length));
      if (decided && now !== outcome) t.fail(`${what}: undecided again after ${length} bytes`);
      if (now === ProxyRead.Done && length !== headerBytes && !decided) t.fail(`${what}: done with ${length} bytes`);
      if (now !== ProxyRead.More) decided = true;
      if (now !== ProxyRead.More && now !== outcome) t.fail(`${what}: another outcome with ${length} bytes`);
    }
  }
  t.end();
});

t.test("any bytes: no exception, a bounded wait, and only true addresses", (t) => {
  const header = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ maxLength: 120, unit: "binary-ascii" }).map((text) => proxyV1(`PROXY ${text}\r\n`)),
    fc
      .tuple(fc.constantFrom("TCP4", "TCP6"), fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(70_000), fc.nat(70_000))
      .map((parts) => proxyV1(`PROXY ${parts.join(" ")}\r\n`)),
    fc
      .tuple(fc.constantFrom(0x20, 0x21, 0x22), fc.constantFrom(0, 0x11, 0x12, 0x21, 0x31, 0xff), fc.uint8Array({ maxLength: 60 }), fc.nat(80))
      .map(([command, family, body, length]) => proxyV2(command, family, body, length)),
  );
  const change = fc.option(fc.tuple(fc.nat(400), fc.nat(255)));
  fc.assert(
    fc.property(header, change, fc.uint8Array({ maxLength: 5000 }), (bytes, changed, behind) => {
      if (changed !== null && changed[0] < bytes.length) bytes[changed[0]] = changed[1];
      const outcome = readProxyHeader(bytes);
      const { address, bytes: headerBytes } = { ...proxyHeader };
      const longer = joined(bytes, behind);
      const again = readProxyHeader(longer);
      if (outcome !== ProxyRead.More && again !== outcome) return false;
      if (longer.length > PROXY_HEADER_BYTES_MAX && again === ProxyRead.More) return false;
      if (outcome !== ProxyRead.Done) return true;
      return headerBytes <= bytes.length && (address === "" || isIPv4(address) || isIPv6(address)) && proxyHeader.bytes === headerBytes;
    }),
    { numRuns: 5000 },
  );
  t.end();
});

t.test("addresses: what node takes and nothing else; one text for each", (t) => {
  const out = new Uint8Array(16);
  const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string({ unit: fc.constantFrom(..."0123456789abcdefF.:%"), maxLength: 46 }));
  fc.assert(
    fc.property(text, (text) => {
      const length = parseIp(text, out);
      if ((length === 4) !== isIPv4(text) || (length === 16) !== (isIPv6(text) && !text.includes("%"))) return false;
      if (length === 0) return true;
      const canonical = formatIp(out, 0, length);
      const again = new Uint8Array(16);
      return parseIp(canonical, again) === length && Buffer.from(again.subarray(0, length)).equals(Buffer.from(out.subarray(0, length)));
    }),
    { numRuns: 20_000 },
  );
  for (const [text, canonical] of [
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["0:0:1:0:0:0:0:0", "0:0:1::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["2001:0DB8::000A", "2001:db8::a"],
    ["::ffff:0a00:0001", "::ffff:10.0.0.1"],
  ] as const) {
    t.equal(parseIp(text, out), 16, text);
    t.equal(formatIp(out, 0, 16), canonical, text);
  }
  t.end();
});

t.test("ranges", (t) => {
  const ranges = new IpRanges(["10.0.0.0/8", "192.0.2.1", "2001:db8::/33", "172.16.0.0/12"]);
  for (const inside of ["10.255.0.1", "::ffff:10.1.1.1", "192.0.2.1", "2001:db8:7fff::1", "172.31.255.255"])
    t.equal(ranges.has(ipBytes(inside)!), true, inside);
  for (const outside of ["11.0.0.1", "192.0.2.2", "2001:db8:8000::1", "172.32.0.0", "::1"]) t.equal(ranges.has(ipBytes(outside)!), false, outside);
  t.equal(new IpRanges(["0.0.0.0/0"]).has(ipBytes("1.2.3.4")!), true);
  t.equal(new IpRanges(["0.0.0.0/0"]).has(ipBytes("2001::1")!), false);
  t.equal(new IpRanges([]).has(ipBytes("1.2.3.4")!), false);
  for (const wrong of ["10.0.0.0/33", "10.0.0/8", "::/129", "x", "", "10.0.0.0/", "10.0.0.0/-1"]) t.throws(() => new IpRanges([wrong]), /range/, wrong);
  t.end();
});
