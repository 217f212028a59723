// The floors' programs in C, compiled at their first use (proto/native-build.ts).
import { compiledNative } from "../../proto/native-build.ts";

/** Path of bench/floor/NAME.c, compiled. Throws an error that says what is missing. */
export function compiledProgram(name: string): string {
  return compiledNative({ name, folder: "bench/floor", sources: [`${name}.c`], flags: ["-O2", "-pthread", "-std=gnu11"], addon: false });
}
