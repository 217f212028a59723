#!/usr/bin/env node
// `hawser` for those who have the project linked or installed; in a checkout `npm start` and `npm run …` build first.
import { existsSync } from "node:fs";

const program = new URL("../dist/cli/hawser.js", import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  console.error("hawser: not compiled yet: run `npm run build` in the project's folder");
  process.exitCode = 1;
}
