// Stands between a supervisor and clinic: `node wrapper.js FOLDER CLINIC ARGS…` runs clinic in FOLDER (where it leaves its
// files), turns SIGTERM and the end of the channel to the supervisor into the interrupt that clinic stops at, and ends as
// clinic does.
import { spawn } from "node:child_process";

const [folder, ...args] = process.argv.slice(2) as [string, ...string[]];
// It would ask for statistics and look for newer versions.
const env = { ...process.env, NO_INSIGHT: "1", NO_UPDATE_NOTIFIER: "1" };
const clinic = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });

process.on("SIGTERM", () => clinic.kill("SIGINT"));
process.on("SIGINT", () => clinic.kill("SIGINT"));
process.once("disconnect", () => clinic.kill("SIGINT"));
clinic.once("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
clinic.once("exit", (code) => process.exit(code ?? 1));
