import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { adminPage } from "#runtime/side/admin-page.ts";
import { buildPage, moduleText } from "../../../../scripts/build-page.ts";

const request = (headers: IncomingMessage["headers"] = {}, method = "GET"): IncomingMessage => ({ method, headers }) as IncomingMessage;
const digest = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("the admin page", () => {
  it("is what page/ gives: node scripts/build-page.ts", async () => {
    expect(moduleText(await buildPage()) === readFileSync("runtime/side/page.generated.js", "utf8")).toBe(true);
  });

  it("loads under 100 kB, and nothing else", async () => {
    const { html } = await buildPage();
    expect(gzipSync(html).length).toBeLessThan(100_000);
    expect(html.match(/(?:src|href)=[^ >]*/g)).toEqual([expect.stringMatching(/^href="data:/)]);
    expect(html).not.toMatch(/@import|url\((?!["']?data:)/);
  });

  it("names the digests of its script and style, and forbids everything else", async () => {
    const { script, style } = await buildPage();
    const policy = adminPage(request(), false).headers?.["Content-Security-Policy"] ?? "";
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining(["default-src 'none'", `script-src ${digest(script)}`, `style-src ${digest(style)}`, "connect-src 'self'", "frame-ancestors 'none'"]),
    );
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  it("asks for no secret where the connection says who it is", () => {
    expect(String(adminPage(request(), false).body)).toContain('<html lang="en" data-secret="needed">');
    expect(String(adminPage(request(), true).body)).toContain('<html lang="en" data-secret="not-needed">');
  });

  it("is compressed for who can read that", () => {
    const plain = adminPage(request({ "accept-encoding": "br, gzipped" }), false);
    const zipped = adminPage(request({ "accept-encoding": "br, gzip;q=0.8" }), false);
    expect(plain.headers?.["Content-Encoding"]).toBeUndefined();
    expect(zipped.headers?.["Content-Encoding"]).toBe("gzip");
    expect(gunzipSync(zipped.body as Buffer).toString()).toBe(plain.body);
  });

  it("takes nothing", () => {
    expect(adminPage(request({}, "HEAD"), false).status).toBe(200);
    expect(adminPage(request({}, "POST"), false).status).toBe(405);
  });
});
