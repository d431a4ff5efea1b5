import { describe, expect, it } from "vitest";
import { challengeOf, redirectedClient } from "#runtime/access/codes.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { fillStore, KEY } from "../../../support/access-records.ts";
import type { RecordChanges } from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const CALLBACK = "https://app.example.com/callback";

describe("where a client's browser goes", () => {
  it.each<[string, RecordChanges, string | null, unknown]>([
    ["to the registered address", {}, CALLBACK, { redirectTo: CALLBACK }],
    ["to it when none is named", {}, null, { redirectTo: CALLBACK }],
    ["to no other", {}, `${CALLBACK}/`, "redirect"],
    ["to no longer one", {}, `${CALLBACK}@evil.example`, "redirect"],
    ["nowhere when none is registered", { app: { callbackUrl: null } }, CALLBACK, "redirect"],
    ["nowhere with a fragment", { app: { callbackUrl: `${CALLBACK}#x` } }, null, "redirect"],
    ["nowhere with a line end", { app: { callbackUrl: `${CALLBACK}\r\nX: y` } }, null, "redirect"],
    ["nowhere without a scheme", { app: { callbackUrl: "/callback" } }, null, "redirect"],
    ["nowhere with a revoked key", { key: { status: "revoked" } }, CALLBACK, "oauth.v2.ApiKeyNotApproved"],
    [
      "nowhere with a revoked app",
      { app: { status: "revoked" } },
      CALLBACK,
      "keymanagement.service.invalid_client-app_not_approved",
    ],
  ])("%s", async (_, changes, redirectUri, expected) => {
    const clock = fakeClock();
    const store = new MemoryStore(clock, defaultLimits);
    const app = { callbackUrl: CALLBACK, ...changes.app };
    await fillStore(store, { ...changes, app });
    const answer = redirectedClient({ store, clock, limits: defaultLimits }, KEY, redirectUri);
    if (typeof expected === "string") expect(answer).toBe(expected);
    else expect(answer).toMatchObject(expected as object);
  });
});

it.each([
  ["S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", true],
  ["S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", false],
  ["S256", "short", false],
  ["plain", "a".repeat(43), true],
  ["plain", "a".repeat(42), false],
  ["plain", "a".repeat(129), false],
  ["plain", `${"a".repeat(43)}\n`, false],
] as const)("a challenge of %s: %s", (method, text, isGood) => {
  expect(challengeOf(text, method) !== null).toBe(isGood);
});
