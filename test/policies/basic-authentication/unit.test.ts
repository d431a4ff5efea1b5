import { describe, expect, test } from "vitest";
import { basicAuthentication, type BasicAuthenticationModel } from "#compiler/policies/basic-authentication.ts";
import type { Value } from "#runtime/context.ts";
import { decodeBasic, encodeBasic } from "#runtime/policies/basic-authentication.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf } from "../../support/policy-fixture.ts";

const lenient = { name: "BA", ignoreUnresolved: true };
const strict = { name: "BA", ignoreUnresolved: false };
const INVALID = "steps.basicauthentication.InvalidBasicAuthenticationSource";
const UNRESOLVED = "steps.basicauthentication.UnresolvedVariable";

function base64(text: string, encoding: BufferEncoding = "utf8"): string {
  return Buffer.from(text, encoding).toString("base64");
}

describe("Encode", () => {
  test.each<[Value, Value, string]>([
    // RFC 7617 section 2 and 2.1.
    ["Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["test", "123\u00a3", "Basic dGVzdDoxMjPCow=="],
    ["ann", "a:b", `Basic ${base64("ann:a:b")}`],
    [null, null, `Basic ${base64(":")}`],
    [7, true, `Basic ${base64("7:true")}`],
  ])("%s and %s", (user, password, value) => {
    expect(encodeBasic(lenient, user, password)).toBe(value);
  });

  test.each<[string, Value, Value]>([
    ["a user with a colon", "a:b", "c"],
    ["a line end", "a", "b\r\nx: y"],
    ["NUL", "a\0", "b"],
  ])("%s is refused", async (_, user, password) => {
    expect(await faultOf(() => encodeBasic(lenient, user, password))).toMatchObject({ code: INVALID, status: 500 });
  });

  test("a part without a value is a fault where that is not ignored", async () => {
    for (const [user, password] of [["a", null], [null, "b"]] as const) {
      expect((await faultOf(() => encodeBasic(strict, user, password))).code).toBe(UNRESOLVED);
    }
    expect(encodeBasic(strict, "", "")).toBe("Basic Og==");
  });
});

describe("Decode", () => {
  test.each([
    ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"],
    ["basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame"],
    [`Basic ${base64("ann:a:b")}`, "ann", "a:b"],
    [`Basic ${base64(":")}`, "", ""],
    [`Basic ${base64("\u017cofia:has\u0142o")}`, "\u017cofia", "has\u0142o"],
  ])("%s", (value, user, password) => {
    expect(decodeBasic(strict, value)).toEqual({ user, password });
  });

  test.each([
    ["another scheme", "Bearer QWxhZGRpbjpvcGVu"],
    ["no scheme", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["nothing behind the scheme", "Basic "],
    ["no space", "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["no colon", `Basic ${base64("ann")}`],
    ["no base64", "Basic !!!!"],
    ["half base64", "Basic QWxhZ"],
    ["base64url", "Basic _-_-OjpB"],
    ["two values", "Basic QTpC, Basic QTpD"],
    ["no UTF-8", `Basic ${base64("61ff3a62", "hex")}`],
    ["a line end in the password", `Basic ${base64("a:b\nx")}`],
    ["NUL in the user", `Basic ${base64("a\0:b")}`],
  ])("%s is refused, and the fault does not repeat it", async (_, value) => {
    const raised = await faultOf(() => decodeBasic(lenient, value));
    expect(raised).toMatchObject({ code: INVALID, status: 500, policy: "BA" });
    expect(raised.text).toBe("BasicAuthentication[BA]: the source is no valid Basic credential");
  });

  test("an absent source leaves nobody, or is a fault", async () => {
    for (const absent of [null, ""]) {
      expect(decodeBasic(lenient, absent)).toEqual({ user: null, password: null });
      expect((await faultOf(() => decodeBasic(strict, absent))).code).toBe(UNRESOLVED);
    }
  });
});

describe("at compile time", () => {
  const encode: BasicAuthenticationModel = {
    kind: "BasicAuthentication",
    operation: "Encode",
    user: { ref: "u" },
    password: { ref: "private.p" },
    assignTo: { value: "request.header.Authorization", createNew: true },
  };
  const decode: BasicAuthenticationModel = {
    kind: "BasicAuthentication",
    operation: "Decode",
    user: { ref: "basic.user" },
    password: { ref: "basic.password" },
    source: "request.header.authorization",
  };
  const CONFIG = 'const basicAuthentication = { name: "P-1", ignoreUnresolved: true } as const';

  test("Encode writes its variable; a header that it always writes is the gateway's own", () => {
    const { reads, writes, owned, ambient, obligations, reports } = analyzed(basicAuthentication, encode);
    expect({ reads, writes, owned, ambient, obligations, reports }).toEqual({
      reads: ["u", "private.p"],
      writes: ["request.header.Authorization"],
      owned: ["authorization"],
      ambient: [],
      obligations: [],
      reports: [],
    });
    expect(emitted(basicAuthentication, encode)).toEqual([
      CONFIG,
      'set("request.header.Authorization", headerValue("P-1", encodeBasic(basicAuthentication, get("u"), get("private.p"))));',
    ]);
  });

  test("Encode without createNew writes only what has no value", () => {
    const model = { ...encode, assignTo: "out" };
    expect(analyzed(basicAuthentication, model).reads).toEqual(["u", "private.p", "out"]);
    expect(emitted(basicAuthentication, model)[1]).toBe(
      'if (get("out") === null) { set("out", encodeBasic(basicAuthentication, get("u"), get("private.p"))); }',
    );
  });

  test("Encode to a header of the connection is an error", () => {
    const model = { ...encode, assignTo: { value: "request.header.host", createNew: true } };
    expect(analyzed(basicAuthentication, model).reports).toEqual(['AGW3101 assignTo.value {"name":"host"}']);
  });

  test("Decode fills two variables, from which no credential counts as given on purpose", () => {
    const found = analyzed(basicAuthentication, decode);
    expect(found.reads).toEqual(["request.header.authorization"]);
    expect(found.writes).toEqual(["basic.user", "basic.password"]);
    expect(found.ambient).toEqual(["basic.user", "basic.password"]);
    expect(found.obligations).toEqual([]);
    expect(emitted(basicAuthentication, decode)).toEqual([
      CONFIG,
      '{ const basic = decodeBasic(basicAuthentication, get("request.header.authorization")); ' +
        'set("basic.user", basic.user); set("basic.password", basic.password); }',
    ]);
  });
});
