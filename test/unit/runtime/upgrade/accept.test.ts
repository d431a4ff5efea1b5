import { expect, test } from "vitest";
import { acceptFor } from "#runtime/upgrade/accept.ts";

test("the sample of RFC 6455 section 1.3", () => {
  expect(acceptFor("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});
