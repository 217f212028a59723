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
