// Stands between a supervisor and clinic: `node wrapper.js FOLDER CLINIC ARGS…` runs clinic in FOLDER (where it leaves its
// files), turns SIGTERM and the end of the channel to the supervisor into what clinic stops at, a Ctrl-C in a terminal, and ends
// as clinic does. A Ctrl-C reaches all processes of a group: a supervisor gives each of its parts a group of its own.
import { spawn } from "node:child_process";

const [folder, ...args] = process.argv.slice(2) as [string, ...string[]];
// It would ask for statistics and look for newer versions.
const env = { ...process.env, NO_INSIGHT: "1", NO_UPDATE_NOTIFIER: "1" };
const clinic = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });

// It comes back to us, too.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", interrupt);
process.once("disconnect", interrupt);

function interrupt(): void {
  process.kill(-process.pid, "SIGINT");
}

clinic.once("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
clinic.once("exit", (code) => process.exit(code ?? 1));
