// The browser's bundle: nothing of Node's in it, and it works where only what browsers have is there.
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { browserGlobals } from "./testing/browser-globals.ts";
import t from "tap";
import { ModelListener } from "./testing/model-listener.ts";

const entry = new URL(`./browser${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url).pathname;

async function bundle(format: "esm" | "iife"): Promise<{ text: string; inputs: string[]; imports: string[] }> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    minify: format === "esm",
    platform: "browser",
    format,
    globalName: "hawser",
    logLevel: "silent",
  });
  const imports = Object.values(result.metafile.outputs).flatMap((output) => output.imports.map((one) => one.path));
  return { text: result.outputFiles[0]!.text, inputs: Object.keys(result.metafile.inputs), imports };
}

t.test("no import of Node's is left, and it is small", async (t) => {
  // esbuild itself fails on a node: import for the browser; this says it of what came out.
  const { text, inputs, imports } = await bundle("esm");
  t.same(imports, [], "everything is in it");
  t.notMatch(text, /["'`]node:/);
  t.same(
    inputs.filter((input) => /node_modules\/ws\/|client\/(tcp|file-store|index)\.[jt]s$/.test(input)),
    [],
  );
  t.comment(`${text.length} bytes, minified`);
  // Of these the default dictionary, inflating and deflating are 20,000.
  t.ok(text.length < 180_000, `${text.length} bytes`);
});

t.test("it works with a browser's globals alone", async (t) => {
  const server = new ModelListener();
  t.teardown(() => server.stop());
  const url = await server.webSocket();
  const { text } = await bundle("iife");
  const { globals, fire, storage } = browserGlobals();
  // A context has the language's own globals only: no process, no Buffer, no require.
  const context = { ...globals, report: undefined as unknown };
  const script = `${text}
    const client = new hawser.HawserClient({ url: ${JSON.stringify(url)}, token: "dev:alice", store: new hawser.WebStore("alice") });
    const shown = [];
    client.on("message", (m) => shown.push(m.from + ": " + m.text));
    client.on("synced", () => shown.push("synced"));
    report = (async () => {
      await client.connect();
      const receipt = await client.send("bob", "grüße");
      await client.check();
      return { client, shown, receipt, node: [typeof process, typeof Buffer, typeof require] };
    })();`;
  runInNewContext(script, context);
  // biome-ignore lint/suspicious/noExplicitAny: objects of another context
  const { client, shown, receipt, node } = (await context.report) as any;
  t.same([...node], ["undefined", "undefined", "undefined"]);
  t.equal(receipt.seq, 1);
  t.ok(shown.includes("alice: grüße"));
  t.ok([...storage.keys()].includes("hawser/alice/client"));
  t.match(storage.get("hawser/alice/conversation/d:bob"), /"next":2/);
  // The page comes to the front again: it asks whether it missed anything.
  const before = shown.filter((line: string) => line === "synced").length;
  fire("visibilitychange");
  while (shown.filter((line: string) => line === "synced").length === before) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.close();
  t.equal(server.model.of("bob")[0]?.rows.length, 1);
});
