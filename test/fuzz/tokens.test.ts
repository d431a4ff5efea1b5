/**
 * Ten thousand tokens that were damaged or forged, from seeds: each is refused with a fault of its policy, none is let in,
 * and nothing else is ever thrown.
 */
import { expect, test } from "vitest";
import { decodeJwt } from "#runtime/policies/decode-jwt.ts";
import { verifyJws } from "#runtime/policies/verify-jws.ts";
import { verifyJwt } from "#runtime/policies/verify-jwt.ts";
import { faults } from "#compiler/diagnostics/fault-table.ts";
import { isFault } from "#runtime/fault.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { ecKey, edKey, forge, jwks, part, rsaKey } from "../support/jwt-forge.ts";
import { PolicyFixture } from "../support/policy-fixture.ts";

const TOKENS = 10_000;
const keys = { RS256: rsaKey("RS256"), ES256: ecKey("ES256"), EdDSA: edKey("EdDSA") };
const names = ["RS256", "ES256", "EdDSA"] as const;
const SET = jwks(...Object.values(keys).map(({ jwk }) => jwk));
const CLAIMS = { iss: "me", sub: "ann", exp: Date.UTC(2031, 0, 1) / 1000, roles: ["a"] };
const good = names.map((alg) => forge({ alg, kid: alg, typ: "JWT" }, CLAIMS, keys[alg].privateKey));

const rules = {
  algorithms: names,
  keyForm: { form: "jwks" },
  openKeys: localKeys,
  type: null,
  prefix: "",
  ignoreCriticalHeaders: false,
  knownHeaders: [],
  ignoreUnresolved: false,
  keep: true,
} as const;
const jwtRules = { ...rules, name: "VJ", id: "VJ", timeAllowanceMs: 0, ignoreIssuedAt: false, requiredClaims: [], lifespanMaxMs: null };
const jwsRules = { ...rules, name: "VS", id: "VS", isDetached: false };

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Change = (token: string, random: () => number) => string;

function pick<T>(list: readonly T[], random: () => number): T {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) throw new Error("an empty list");
  return item;
}

const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \0\n\u00e9\u{1f600}";
const headers: readonly (string | object)[] = [
  { alg: "none" }, { alg: "None", kid: "RS256" }, { alg: "" }, { alg: null }, { alg: ["RS256"] }, { alg: { RS256: 1 } }, {},
  { alg: "HS256", kid: "RS256" }, { alg: "RS256" }, { alg: "RS256", kid: "__proto__" }, { alg: "RS256", kid: 1 },
  { alg: "ES256", kid: "RS256" }, { alg: "RS512", kid: "RS256" }, { alg: "RS256", kid: "RS256", crit: [] },
  { alg: "RS256", kid: "RS256", crit: ["exp"], exp: 1 }, { alg: "RS256", kid: "RS256", b64: false, crit: ["b64"] },
  { alg: "EdDSA", kid: "EdDSA", jwk: ecKey("own").jwk }, { alg: "RS256", kid: "RS256", jku: "http://169.254.169.254/" },
  '{"alg":"none","alg":"RS256","kid":"RS256"}', '{"__proto__":{"alg":"RS256"}}', "[]", "null", '"RS256"', "{", "\ufeff{}",
];
const changes: readonly Change[] = [
  (token, random) => spliced(token, random, 1, pick([...signs], random)),
  (token, random) => spliced(token, random, 1, ""),
  (token, random) => spliced(token, random, 0, pick([...signs], random)),
  (token, random) => spliced(token, random, Math.ceil(random() * 40), ""),
  (token, random) => token.slice(0, Math.floor(random() * token.length)),
  (token, random) => token.slice(1 + Math.floor(random() * token.length)),
  (token, random) => swapCase(token, Math.floor(random() * token.length)),
  (token, random) => token.split(".").map((segment, at) => (at === Math.floor(random() * 3) ? "" : segment)).join("."),
  (token, random) => token.split(".").toSorted(() => random() - 0.5).join("."),
  (token, random) => [pick(good, random), token].map((text) => text.split(".")).flat().slice(1, 4).join("."),
  (token, random) => [part(pick(headers, random)), ...token.split(".").slice(1)].join("."),
  (_, random) => forge({ alg: "HS256", kid: "RS256" }, CLAIMS, pick([keys.RS256.pem, SET, "RS256"], random)),
  (token, random) => `${token}${pick([".", "=", " ", "\n", ".x", "\0"], random)}`,
];

function spliced(text: string, random: () => number, count: number, put: string): string {
  const at = Math.floor(random() * text.length);
  return text.slice(0, at) + put + text.slice(at + count);
}

function swapCase(text: string, at: number): string {
  const sign = text.charAt(at);
  const other = sign === sign.toLowerCase() ? sign.toUpperCase() : sign.toLowerCase();
  return text.slice(0, at) + other + text.slice(at + 1);
}

/** The code of the fault; null when the token was let in. */
async function refusal(step: () => unknown): Promise<string | null> {
  try {
    await step();
    return null;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return thrown.code;
  }
}

test("none is let in, and none is answered but with a fault of the table", { timeout: 60_000 }, async () => {
  const fixture = new PolicyFixture({ limits: { verifiedJwtsMax: 10 } });
  const random = randomOf(20_300_101);
  const seen = new Set<string>();
  const x = fixture.exchange({ upgrade: true });
  for (const token of good) {
    expect(await refusal(() => verifyJwt(fixture.exchange(), jwtRules, SET, token, {}))).toBeNull();
    expect(await refusal(() => verifyJws(fixture.exchange(), jwsRules, SET, { jws: token, content: null }, {}))).toBeNull();
  }
  for (let made = 0; made < TOKENS; made++) {
    const first = pick(changes, random)(pick(good, random), random);
    const token = random() < 0.3 ? pick(changes, random)(first, random) : first;
    if (good.includes(token)) continue;
    const codes = [
      await refusal(() => verifyJwt(x, jwtRules, SET, token, {})),
      await refusal(() => verifyJws(x, jwsRules, SET, { jws: token, content: null }, {})),
    ];
    for (const code of codes) {
      expect(code, JSON.stringify(token)).toMatch(/^steps\.jw[ts]\./);
      expect(Object.keys(faults)).toContain(code);
      seen.add(String(code));
    }
    expect(x.session?.credentials).toEqual([]);
    const decoded = await refusal(() => decodeJwt(x, { ...rules, name: "DJ" }, token));
    expect([null, "steps.jwt.FailedToDecode", "steps.jwt.InvalidToken"], JSON.stringify(token)).toContain(decoded);
  }
  for (const name of ["FailedToDecode", "InvalidToken", "AlgorithmMismatch", "KeyIdMissing", "UnhandledCriticalHeader"]) {
    expect([...seen], name).toContain(`steps.jwt.${name}`);
  }
});
