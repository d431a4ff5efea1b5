import { describe, expect, it } from "vitest";
import { recordOfText, textOfRecord } from "#runtime/state/record-text.ts";
import type { TokenRecord } from "#runtime/access/model.ts";
import { APP, TOKEN_RECORD } from "../../../support/access-records.ts";

const full: TokenRecord = {
  ...TOKEN_RECORD, scopes: ["read"], expiresAtMs: 5, subject: "ada", attributes: { a: "1" }, grantId: "g", hidden: ["a"],
};

describe("a token's text", () => {
  it.each<[string, TokenRecord]>([
    ["usual", TOKEN_RECORD],
    ["with all fields", full],
    ["of a key that has no digest", { ...full, clientKeyDigest: "unknown" }],
    ["with a field of a later version", { ...full, later: { x: [1] } } as TokenRecord],
    ["with texts that look like more", { ...full, subject: '","[{', attributes: { __proto: "x" } }],
  ])("%s becomes the same token, its fields in the same order", (_name, record) => {
    const text = textOfRecord("token", record.id, record);
    expect(JSON.stringify(recordOfText("token", record.id, text))).toBe(JSON.stringify(record));
    expect(text).not.toContain(record.id);
  });

  it("has no names and no id, and is less than half of the JSON", () => {
    const text = textOfRecord("token", TOKEN_RECORD.id, TOKEN_RECORD);
    expect(text.length).toBeLessThan(JSON.stringify(TOKEN_RECORD).length / 2);
    expect(text).not.toMatch(/appId|status|sha256/);
  });

  it("of an earlier version is read as it is", () => {
    expect(recordOfText("token", TOKEN_RECORD.id, JSON.stringify(full))).toEqual(full);
  });
});

it("what is no token, or not under its own id, stays JSON", () => {
  expect(textOfRecord("app", "app", APP)).toBe(JSON.stringify(APP));
  expect(textOfRecord("token", "another", TOKEN_RECORD)).toBe(JSON.stringify(TOKEN_RECORD));
  expect(recordOfText("token", "another", JSON.stringify(TOKEN_RECORD))).toEqual(TOKEN_RECORD);
});
