import { describe, expect, test } from "vitest";
import { RequestMessage } from "#runtime/message/message.ts";
import { credentialFrom, type CredentialSource } from "#runtime/upgrade/presented-credential.ts";

const ENCODED = "base64url.bearer.authorization.k8s.io.";

function request(headers: readonly string[] = [], query: string | null = null): RequestMessage {
  return new RequestMessage("GET", "/v1/rooms", query, "1.1", [...headers]);
}

function take(sources: readonly CredentialSource[], message: RequestMessage, isUpgrade = true) {
  return credentialFrom(sources)(message, isUpgrade);
}

describe("a credential in a subprotocol", () => {
  const sources: readonly CredentialSource[] = [{ from: "subprotocol" }];
  const encoded = ENCODED + Buffer.from("a/b+c=").toString("base64url");
  const offers: [string, string | null, string | null, string | null][] = [
    // offered, credential, what stays on offer, what the answer names where the target chooses none
    ["bearer.abc", "abc", null, "bearer.abc"],
    ["chat, bearer.abc", "abc", "chat", null],
    ["bearer.a.b.c,chat,superchat", "a.b.c", "chat, superchat", null],
    ["bearer, bearer.abc", "abc", null, "bearer"],
    ["bearer, chat, bearer.abc", "abc", "chat", "bearer"],
    [encoded, "a/b+c=", null, encoded],
    [`v1.chat, ${encoded}`, "a/b+c=", "v1.chat", null],
    ["chat", null, "chat", null],
    ["bearer", null, "bearer", null],
    ["Bearer.abc", null, "Bearer.abc", null],
    ["xbearer.abc", null, "xbearer.abc", null],
  ];
  test.each(offers)("%s", (offered, value, kept, echo) => {
    const message = request(["Sec-WebSocket-Protocol", offered]);
    const source = value === null ? null : "subprotocol";
    expect(take(sources, message)).toEqual({ value, source, echo });
    expect(message.headerJoined("sec-websocket-protocol")).toBe(kept);
  });

  test("stands on any of several lines", () => {
    const message = request(["Sec-WebSocket-Protocol", "a, b", "sec-websocket-protocol", "bearer.abc", "X", "y"]);
    expect(take(sources, message)).toEqual({ value: "abc", source: "subprotocol", echo: null });
    expect(message.lines).toEqual(["Sec-WebSocket-Protocol", "a, b", "X", "y"]);
  });

  const wrong: [string, string][] = [
    ["two of them", "bearer.a, bearer.b"],
    ["two forms", `bearer.a, ${ENCODED}YQ`],
    ["nothing behind the dot", "bearer."],
    ["nothing encoded", ENCODED],
    ["padding bits that say something", `${ENCODED}YR`],
    ["a length that no bytes have", `${ENCODED}YWJjZ`],
    ["control characters", ENCODED + Buffer.from("a\r\nb").toString("base64url")],
    ["bytes beyond ASCII", ENCODED + Buffer.from("é").toString("base64url")],
  ];
  test.each(wrong)("%s is refused, and not quoted", (_, offered) => {
    const refused = take(sources, request(["Sec-WebSocket-Protocol", offered]));
    expect(refused).toBeTypeOf("string");
    expect(refused).not.toContain(offered);
  });
});

describe("a credential in a cookie", () => {
  const sources: readonly CredentialSource[] = [{ from: "cookie", name: "sid" }];
  const cookies: [string, string | null, string | null][] = [
    ["sid=abc", "abc", null],
    ["a=1; sid=abc; b=2", "abc", "a=1; b=2"],
    ['a=1;sid="abc";;', "abc", "a=1"],
    ["a=1; SID=abc; xsid=1; sid2=2", null, "a=1; SID=abc; xsid=1; sid2=2"],
    ["sid=a=b", "a=b", null],
    ["sid=; a=1", null, "a=1"],
    ["sid", null, "sid"],
  ];
  test.each(cookies)("%s", (line, value, kept) => {
    const message = request(["Cookie", line]);
    expect(take(sources, message)).toEqual({ value, source: value === null ? null : "cookie", echo: null });
    expect(message.headerLine("cookie")).toBe(kept);
  });

  test("is looked for in every line, and one of two is no choice to make", () => {
    const message = request(["Cookie", "a=1", "Cookie", "sid=abc; b=2"]);
    expect(take(sources, message)).toMatchObject({ value: "abc" });
    expect(message.lines).toEqual(["Cookie", "a=1; b=2"]);
    expect(take(sources, request(["Cookie", "sid=abc; sid=def"]))).toBe("the cookie with the credential stands twice");
    expect(take(sources, request(["Cookie", "sid=abc", "Cookie", "sid="]))).toBeTypeOf("string");
  });

  test("does not count in a plain request, and is taken away all the same", () => {
    const message = request(["Cookie", "sid=abc; a=1"]);
    expect(take(sources, message, false)).toEqual({ value: null, source: null, echo: null });
    expect(message.headerLine("cookie")).toBe("a=1");
  });
});

describe("a credential in the query or in Authorization", () => {
  test("is taken out, however its name is spelled", () => {
    const message = request([], "a=1&%74icket=x%2By&b");
    expect(take([{ from: "queryParam", name: "ticket" }], message)).toMatchObject({ value: "x+y", source: "queryParam" });
    expect(message.query).toBe("a=1&b");
    const only = request([], "ticket=");
    expect(take([{ from: "queryParam", name: "ticket" }], only)).toMatchObject({ value: null });
    expect(only.query).toBeNull();
    expect(take([{ from: "queryParam", name: "ticket" }], request([], "ticket=a&ticket=b"))).toBeTypeOf("string");
  });

  test("of another scheme stays", () => {
    const message = request(["Authorization", "Basic YTpi"]);
    expect(take([{ from: "authorization" }], message)).toMatchObject({ value: null });
    expect(message.headerLine("authorization")).toBe("Basic YTpi");
    const bearer = request(["Authorization", "bearer  abc"]);
    expect(take([{ from: "authorization" }], bearer, false)).toMatchObject({ value: "abc", source: "authorization" });
    expect(bearer.lines).toEqual([]);
  });
});

test("the first place in the list that has one counts, and every place is cleared", () => {
  const headers = ["Cookie", "sid=of-cookie", "Sec-WebSocket-Protocol", "bearer, bearer.of-protocol", "Authorization", "Bearer of-header"];
  const message = request(headers, "t=of-query");
  const places: readonly CredentialSource[] = [
    { from: "cookie", name: "sid" }, { from: "subprotocol" }, { from: "authorization" }, { from: "queryParam", name: "t" },
  ];
  expect(take(places, message)).toEqual({ value: "of-cookie", source: "cookie", echo: "bearer" });
  expect(message.lines).toEqual([]);
  expect(message.query).toBeNull();
});
