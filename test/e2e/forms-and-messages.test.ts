/** Forms by their parameters, and messages of a policy's own. */
import { describe, expect, it } from "vitest";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { answerWith, gateway, header, post, seen, usable } from "./bodies-ground.ts";

describe("messages of a policy's own", () => {
  it("are made, changed, read and copied", async () => {
    answerWith((response, { bytes }) => response.writeHead(201, { "x-target": "t" }).end(bytes));
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/named/x?q=7&r=8", "in", { "X-From": "me" })).answer();
    expect(header("x-ask")).toBe("PUT /ask?a=1&q=7&a=2 me [1, 3] [a b, c] none");
    expect([seen.at(-1)?.body, header("content-type")]).toEqual(["user=a%20b&user=c", "application/x-www-form-urlencoded"]);
    expect([got.status, got.body, got.headers.get("x-status"), got.headers.has("x-target")])
      .toEqual([202, "<user=a%20b&user=c>", "201 t", false]);
    await usable(client);
  });

  it("must be there where a policy says so", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(plainRequest("/absent/x")).answer();
    expect([got.status, got.body]).toEqual([500, expect.stringContaining("VariableOfNonMsgType")]);
  });

  it("RaiseFault copies the body of the request into its answer", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/fault/x", "what was asked", { "X-Id": "7" })).answer();
    expect([got.status, got.body, got.headers.get("x-id")]).toEqual([422, "what was asked", "7"]);
    expect(got.head).toContain("422 Odd");
    await usable(client);
  });
});

describe("a form", () => {
  const type = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };

  it("is read and written by parameter", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/form/x", "user=a&tag=1&tag=2&x=%20", type)).answer();
    expect(got.body).toBe("user=b%26b&tag=1&tag=second&x=%20");
    expect(["x-user", "x-tags", "x-names", "x-count"].map(header)).toEqual(["b&b", "[1, second]", "[user, tag, x]", "3/2"]);
    expect([header("x-string"), header("content-length")]).toEqual([got.body, String(got.body.length)]);
    await usable(client);
  });

  it("is edited by AssignMessage, which makes one of another body", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(post("/submit/x", "secret=1&tag=a&user=b", type)).answer()).body).toBe("tag=a&user=POST&tag=new");
    expect((await client.send(post("/submit/x", "text", { "Content-Type": "text/plain" })).answer()).body).toBe("tag=new&user=POST");
    expect(header("content-type")).toBe("application/x-www-form-urlencoded");
    await usable(client);
  });

  it("is none where the type says otherwise, and streams by", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/form/x", { "Transfer-Encoding": "chunked", "Content-Type": "text/plain" }, "POST"));
    client.send("6\r\nuser=a\r\n0\r\n\r\n");
    expect((await client.answer()).body).toBe("user=a");
    expect([header("x-user"), header("x-string"), header("transfer-encoding")]).toEqual(["", "", "chunked"]);
  });
});
