// What scripts/test.mjs decides without running anything.

/** `proto/frame.test.ts` → `dist/proto/frame.test.js`; anything else stays as it is. @param {string} arg */
export function compiledPath(arg) {
  const source = /^(?:\.\/)?(?!dist\/)(?!-)(.*\.test)\.[tj]s$/.exec(arg);
  return source ? `dist/${source[1]}.js` : arg;
}

/**
 * Passed and failed assertions from tap's own count at the end of its TAP output: `# { total: 9, pass: 8, fail: 1 }`.
 * Skipped ones and todos are neither.
 * @param {string} tap
 */
export function totals(tap) {
  const last = [...tap.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1] ?? "";
  const count = (/** @type {string} */ name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(last)?.[1] ?? 0);
  return { passed: count("pass"), failed: count("fail") };
}

/**
 * For logs: of TAP, line by line, what a reader wants: one line a test file, failures with their details, the summary.
 * Returns the function to ask for each line in turn.
 */
export function worthPrinting() {
  let details = false;
  let failed = false;
  return (/** @type {string} */ line) => {
    const text = line.trimStart();
    if (failed && text === "---") details = true;
    failed = /^not ok (?!.* # (?:TODO|SKIP))/.test(text);
    if (details) {
      details = text !== "...";
      return true;
    }
    return failed || (text === line && text !== "" && !text.startsWith("# Subtest"));
  };
}
