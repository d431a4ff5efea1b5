import { describe, expect, it } from "vitest";
import { HIDDEN, Mask } from "#runtime/debug/mask.ts";
import { isSecretName, isSecretParameter, isSecretVariable } from "#runtime/language/secret-name.ts";

describe("names", () => {
  it.each([
    "Authorization", "proxy-authorization", "Cookie", "set-cookie", "X-API-Key", "apikey", "x-auth-token", "client_secret",
    "password", "passwd", "X-Amz-Security-Token", "id_token", "sessionId", "session-id", "client_assertion", "private",
  ])("%s is a credential's", (name) => expect(isSecretName(name)).toBe(true));

  it.each(["host", "accept", "content-type", "token_type", "x-request-id", "sec-websocket-key", "code", "key", "user", "monkey"])(
    "%s is not",
    (name) => expect(isSecretName(name)).toBe(false),
  );

  it("are shorter in queries and forms", () => {
    for (const name of ["key", "code", "sig", "pin", "access_token"]) expect(isSecretParameter(name)).toBe(true);
    for (const name of ["keyword", "page", "design"]) expect(isSecretParameter(name)).toBe(false);
  });

  it("of variables count by their last part", () => {
    const secret = ["private.anything", "request.header.authorization", "request.queryparam.key", "oauthv2accesstoken.OA.access_token"];
    for (const name of secret) expect(isSecretVariable(name)).toBe(true);
    const open = ["oauthv2accesstoken.OA.developer.email", "request.header.key", "developer.app.name", "client_id", "token.user"];
    for (const name of open) expect(isSecretVariable(name)).toBe(false);
  });
});

describe("a mask", () => {
  const clean = (text: string): string => new Mask().text(text);

  it("looks at what begins like tokens once", () => {
    const text = "eyJ-".repeat(50_000);
    expect(clean(text)).not.toContain("eyJ-eyJ-eyJ");
    expect(clean(`x eyJhbGciOiJub25lIn0 y eyJhbGciOiJub25lIn0.e30.s z`)).toBe(`x ${HIDDEN} y ${HIDDEN} z`);
  });

  it.each([
    ["/a?apikey=abc&b=1", `/a?apikey=${HIDDEN}&b=1`],
    ["apikey=abc", `apikey=${HIDDEN}`],
    ["b=1&access%5Ftoken=abc", `b=1&access%5Ftoken=${HIDDEN}`],
    ["b=1;password=abc;c=2", `b=1;password=${HIDDEN};c=2`],
    ["https://x/#id_token=abc", `https://x/#id_token=${HIDDEN}`],
    ["https://ann:pass@example.com/", `https://${HIDDEN}@example.com/`],
    ["got Bearer abcdef.ghi", `got Bearer ${HIDDEN}`],
    ["Basic YW5uOnB3", `Basic ${HIDDEN}`],
    ["x eyJhbGciOiJ9.eyJz.c2ln y", `x ${HIDDEN} y`],
    ["plain text = 1, a=b", "plain text = 1, a=b"],
    ["%zz=1&token=%zz", `%zz=1&token=${HIDDEN}`],
  ])("makes of %s", (text, expected) => expect(clean(text)).toBe(expected));

  it("hides members and elements of bodies, whole and cut off", () => {
    const body = (text: string): string => new Mask().document(text, 1_000);
    expect(body('{"password" : "a\\"b", "n": 1}')).toBe(`{"password" : "${HIDDEN}", "n": 1}`);
    expect(body('{"token":12345,"a":[{"secret":null}]}')).toBe(`{"token":"${HIDDEN}","a":[{"secret":"${HIDDEN}"}]}`);
    expect(body('{"a":"b","api_key":"cut off he')).toBe(`{"a":"b","api_key":"${HIDDEN}"`);
    expect(body("<a><password>x</password><b>y</b></a>")).toBe(`<a><password>${HIDDEN}</password><b>y</b></a>`);
    expect(body("grant_type=x&client_secret=y")).toBe(`grant_type=x&client_secret=${HIDDEN}`);
  });

  it("finds again what it has learned, in every writing", () => {
    const mask = new Mask({ secrets: ["of the gateway's own"], rules: null });
    mask.learnHeader("X-Api-Key", 'k"ey/1 +2');
    mask.learnHeader("Authorization", `Basic ${btoa("ann:open sesame")}`);
    mask.learnHeader("Cookie", "theme=dark; sid=0123456789");
    mask.learnText("a=1&client_secret=s3%2Fcret");
    mask.learnText('{"password":"wordpass"}');
    const told = ['k"ey/1 +2', "k%22ey%2F1%20%2B2", 'k\\"ey/1 +2', "open sesame", btoa("ann:open sesame"), "0123456789", "s3/cret", "wordpass"];
    for (const text of [...told, "of the gateway's own"]) expect(mask.text(`[${text}]`)).toBe(`[${HIDDEN}]`);
    expect(mask.text("theme dark, a=1")).toBe("theme dark, a=1");
  });

  it("looks for no words that would be everywhere", () => {
    const mask = new Mask();
    mask.learnHeader("X-Api-Key", "a");
    mask.learnHeader("Cookie", "lang=english");
    expect(mask.text("a cat in English")).toBe("a cat in English");
    expect(mask.header("X-Api-Key", "a")).toBe(HIDDEN);
  });

  it("shows names among subprotocols, and hides what may be a token", () => {
    expect(new Mask().header("Sec-WebSocket-Protocol", "chat, v1.json, abcdefghijklmnopqrstuvwxyz")).toBe(`chat, v1.json, ${HIDDEN}`);
  });

  it("takes a bounded time for hostile text", () => {
    const mask = new Mask();
    for (const piece of ["eyJaaaaaaa-", "//a:", '"a"   ', "<a ", "Bearer  ", "token=", "%e"]) {
      const text = piece.repeat(40_000 / piece.length);
      const startMs = performance.now();
      mask.learnText(text);
      mask.document(text, 10_000);
      expect(performance.now() - startMs, piece).toBeLessThan(1_000);
    }
  });
});

describe("what one exchange looks for is bounded", () => {
  it("in number: the rest is hidden where it stands", () => {
    const mask = new Mask();
    const query = Array.from({ length: 1_000 }, (_, at) => `token${at}=value-number-${at}`).join("&");
    mask.learnText(query);
    const startMs = performance.now();
    const shown = mask.document(`${query} ${"x".repeat(40_000)}`, 10_000);
    expect(performance.now() - startMs).toBeLessThan(500);
    expect(shown).not.toContain("value-number");
  });

  it("in length: a long one as it is", () => {
    const mask = new Mask();
    const long = "a/b".repeat(100_000);
    mask.learn(long);
    expect(mask.text(`<${long}>`)).toBe(`<${HIDDEN}>`);
  });
});
