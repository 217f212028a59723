// `npm start`, `npm run chat -- …`: makes ready what the command needs, then runs it in this same process, so that
// Ctrl-C and the exit code are the command's own.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt } from "./build.mjs";
import { ensureNatsServer } from "./nats.mjs";
import { checkNode, ensurePackages, exclusively, guarded, root } from "./setup.mjs";

/** Commands that start a whole Hawser of their own, unless it is help that is asked for … */
const NEED_NATS = new Set(["start", "demo", "bench", "bench:peers", "loadtest", "profile"]);

const args = process.argv.slice(2);
const needNats = NEED_NATS.has(args[0] ?? "") && !args.includes("--help") && !args.includes("-h") && !usesAnother(args);

/** … or a load test of a Hawser that runs already, or a comparison of two that ran, or a benchmark without servers. @param {string[]} args */
function usesAnother([command, ...rest]) {
  if (command === "bench") return !rest.includes("spine") && !rest.includes("http");
  return command === "loadtest" && (rest[0] === "compare" || rest.some((arg) => arg === "--url" || arg.startsWith("--url=")));
}

await guarded(() => {
  checkNode();
  return exclusively(() => {
    ensurePackages("prod");
    ensureBuilt("prod");
    if (needNats) process.env["HAWSER_NATS_SERVER"] = ensureNatsServer();
  });
});

const program = join(root, "dist/cli/hawser.js");
process.argv = [process.execPath, program, ...args];
await import(pathToFileURL(program).href);
