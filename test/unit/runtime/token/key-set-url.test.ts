import { describe, expect, test } from "vitest";
import { keySetUrl } from "#runtime/token/key-set-url.ts";

describe("where key sets may be fetched from", () => {
  test.each([
    "https://id.example.com/keys",
    "https://id.example.com:8443/keys?a=b",
    "http://localhost:3000/keys",
    "http://127.0.0.1/keys",
    "http://127.8.9.1/keys",
    "http://[::1]:80/keys",
    "https://93.184.216.34/keys",
    "https://[2606:4700::1111]/keys",
  ])("%s", (url) => {
    expect(typeof keySetUrl(url, false)).toBe("object");
  });

  test.each([
    ["keys", "no absolute URL"],
    ["file:///etc/passwd", "no absolute URL"],
    ["ftp://id.example.com/", "no absolute URL"],
    ["http://id.example.com/keys", "https is needed"],
    ["http://10.0.0.1/keys", "https is needed"],
    ["http://127.0.0.1.example.com/", "https is needed"],
    ["http://localhost.example.com/", "https is needed"],
    ["https://ann:pw@id.example.com/", "credentials in the URL"],
    ["https://10.1.2.3/", "a private address"],
    ["https://169.254.169.254/latest", "a private address"],
    ["https://192.168.0.1/", "a private address"],
    ["https://0x0a000001/", "a private address"],
    ["https://172.31.0.1/", "a private address"],
    ["https://100.64.0.1/", "a private address"],
    ["https://0.0.0.0/", "a private address"],
    ["https://[fd00::1]/", "a private address"],
    ["https://[fe80::1]/", "a private address"],
    ["https://[::ffff:10.0.0.1]/", "a private address"],
    ["https://[64:ff9b::a00:1]/", "a private address"],
    ["https://[::a00:1]/", "a private address"],
    ["https://[2001:0:1::1]/", "a private address"],
    ["https://[2001:db8::1]/", "a private address"],
    ["https://[fec0::1]/", "a private address"],
    ["https://203.0.113.9/", "a private address"],
  ])("%s: %s", (url, problem) => {
    expect(keySetUrl(url, false)).toBe(problem);
  });

  test("private addresses, where the policy allows them", () => {
    expect(typeof keySetUrl("https://10.1.2.3/", true)).toBe("object");
    expect(keySetUrl("http://10.1.2.3/", true)).toBe("https is needed");
  });

  /** What a connection to the URL's host would be told about a name. */
  function resolved(url: string, allowed: boolean, name: string, all: boolean): Promise<string> {
    const target = keySetUrl(url, allowed);
    if (typeof target === "string") throw new Error(target);
    return new Promise((resolve) => {
      target.lookup(name, { all }, (error, address) => resolve(error === null ? JSON.stringify(address) : error.message));
    });
  }

  test.each([true, false])("a name that leads to a private address is refused when it is connected to", async (all) => {
    const refused = "the name leads to a private address only";
    expect(await resolved("https://id.example.com/", false, "localhost", all)).toBe(refused);
    expect(await resolved("https://id.example.com/", true, "localhost", all)).toMatch(/127\.0\.0\.1|::1/);
    expect(await resolved("http://localhost/", false, "localhost", all)).toMatch(/127\.0\.0\.1|::1/);
  });
});
