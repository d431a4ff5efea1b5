/** Bodies in a content coding, where something looks into them and where nothing does. */
import { Buffer } from "node:buffer";
import { brotliCompressSync, deflateRawSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { answerWith, gateway, header, seen, usable } from "./bodies-ground.ts";

describe("an encoded body", () => {
  const encoders = [
    ["gzip", "gzip", gzipSync],
    ["x-gzip", "X-GZip", gzipSync],
    ["deflate", "deflate", deflateSync],
    ["deflate without a zlib header", "deflate", deflateRawSync],
    ["br", "br", brotliCompressSync],
  ] as const;

  function encodedPost(path: string, coding: string, bytes: Buffer): Buffer {
    const head = plainRequest(path, { "Content-Length": String(bytes.length), "Content-Encoding": coding }, "POST");
    return Buffer.concat([Buffer.from(head), bytes]);
  }

  it.each(encoders)("%s is read decoded, and goes on as it came", async (_name, coding, encode) => {
    using client = await rawClient(gateway.port);
    const bytes = encode("hello");
    await client.send(encodedPost("/read/x", coding, bytes)).answer();
    expect([header("x-body"), header("content-encoding"), seen.at(-1)?.bytes]).toEqual(["hello", coding, bytes]);
  });

  it("is encoded again when it was read and rewritten", async () => {
    using client = await rawClient(gateway.port);
    await client.send(encodedPost("/rewrite/x", "gzip", gzipSync("in"))).answer();
    const sent = seen.at(-1)?.bytes ?? Buffer.alloc(0);
    expect([header("content-encoding"), gunzipSync(sent).toString("utf8")]).toEqual(["gzip", "<in>é"]);
    expect(header("content-length")).toBe(String(sent.length));
    answerWith((response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("there")));
    const got = await client.send(plainRequest("/wrap/x")).answer();
    expect(got.headers.get("content-encoding")).toBe("gzip");
    await usable(client);
  });

  it("is replaced by a plain one where nobody read it", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(encodedPost("/replace/x", "gzip", gzipSync("in"))).answer()).body).toBe("instead");
    expect(header("content-encoding")).toBeUndefined();
  });

  it("streams by untouched where nobody looks into it", async () => {
    using client = await rawClient(gateway.port);
    await client.send(encodedPost("/open/x", "zstd", Buffer.from("no zstd"))).answer();
    expect([header("content-encoding"), seen.at(-1)?.body]).toEqual(["zstd", "no zstd"]);
  });

  const large = gzipSync(Buffer.alloc(1024 * 1024));
  it.each([
    ["unknown", "zstd", Buffer.from("x"), 415, 502, "UnsupportedEncoding"],
    ["two of them", "gzip, br", Buffer.from("x"), 415, 502, "UnsupportedEncoding"],
    ["broken", "gzip", Buffer.from("no gzip"), 400, 502, "DecompressionFailureAt"],
    ["cut off", "gzip", gzipSync("hello").subarray(0, 15), 400, 502, "DecompressionFailureAt"],
    ["a bomb", "gzip", large.subarray(0, 1010), 413, 502, "TooBigBody"],
  ])("%s: refused", async (_what, coding, bytes, ofRequest, ofAnswer, code) => {
    using client = await rawClient(gateway.port);
    const refused = await client.send(encodedPost("/small/x", coding, bytes)).answer();
    expect([refused.status, refused.body]).toEqual([ofRequest, expect.stringContaining(code)]);
    answerWith((response) => response.writeHead(200, { "Content-Encoding": coding }).end(bytes));
    using other = await rawClient(gateway.port);
    const broken = await other.send(plainRequest("/small/x")).answer();
    expect([broken.status, broken.body]).toEqual([ofAnswer, expect.stringContaining(code)]);
    await usable(other);
  });
});
