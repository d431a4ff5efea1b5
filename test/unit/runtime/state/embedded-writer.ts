/**
 * A process that writes to an embedded store until it is killed, and says on stdout what was acknowledged: one line
 * each, after the answer. It belongs to embedded.test.ts.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../../runtime/clock.ts";
import { defaultLimits } from "../../../../runtime/limits.ts";
import { EmbeddedStore } from "../../../../runtime/state/embedded.ts";

const [file = "", name = "w"] = process.argv.slice(2);
const store = new EmbeddedStore(file, systemClock, { ...defaultLimits, revocationsRememberedMax: 1_000_000 });
for (let n = 0; n < 100_000; n++) {
  const id = `${name}-${n}`;
  if (n % 2 === 0) {
    const event = { effect: "revoked", identities: [`app:${id}`], atMs: 0 } as const;
    store.put("meta", id, { note: "x".repeat(200), atMs: n }, { event });
  } else {
    store.put("meta", id, { note: "token-like", atMs: n }, { expiresAtMs: Date.now() + 600_000 });
  }
  writeSync(1, `${id}\n`);
}
