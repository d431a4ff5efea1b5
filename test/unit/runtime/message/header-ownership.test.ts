import { describe, expect, test } from "vitest";
import {
  fateOf, headerOwnership, isNominable, NAME_DROPPED, NAME_FORWARDED, NAME_KEPT,
} from "#runtime/message/header-ownership.ts";

const ownership = headerOwnership(["X-User", "x-tenant-id"], ["x-api-key"]);

describe("fate of a client's header", () => {
  test.each([
    ["accept", NAME_KEPT],
    ["cookie", NAME_KEPT],
    ["host", NAME_KEPT],
    ["authorization", NAME_KEPT],
    ["sec-websocket-key", NAME_KEPT],
    ["x-custom_name", NAME_KEPT],
    ["x.custom", NAME_KEPT],
    ["x-user", NAME_DROPPED],
    ["x_user", NAME_DROPPED],
    ["x.user", NAME_DROPPED],
    ["x-tenant_id", NAME_DROPPED],
    ["x_tenant.id", NAME_DROPPED],
    ["x-users", NAME_KEPT],
    ["x-api-key", NAME_KEPT],
    ["x_api_key", NAME_DROPPED],
    ["x-api.key", NAME_DROPPED],
    ["x-forwarded-for", NAME_FORWARDED],
    ["x-real-ip", NAME_FORWARDED],
    ["forwarded", NAME_FORWARDED],
    ["x-forwarded-user", NAME_FORWARDED],
    ["x_forwarded_user", NAME_DROPPED],
    ["x_forwarded_for", NAME_DROPPED],
    ["x-forwarded_proto", NAME_DROPPED],
    ["content_length", NAME_DROPPED],
    ["transfer_encoding", NAME_DROPPED],
    ["sec_websocket_key", NAME_DROPPED],
    ["x-apigee-anything", NAME_DROPPED],
    ["x_apigee.anything", NAME_DROPPED],
    ["connection", NAME_DROPPED],
    ["keep-alive", NAME_DROPPED],
    ["proxy-connection", NAME_DROPPED],
    ["te", NAME_DROPPED],
    ["trailer", NAME_DROPPED],
    ["transfer-encoding", NAME_DROPPED],
    ["upgrade", NAME_DROPPED],
    ["proxy-authorization", NAME_DROPPED],
    ["http2-settings", NAME_DROPPED],
    ["constructor", NAME_KEPT],
    ["__proto__", NAME_KEPT],
  ])("%s", (name, fate) => {
    expect(fateOf(name, ownership)).toBe(fate);
  });

  test("an owned name with a separator of its own drops the plain spelling as well", () => {
    const odd = headerOwnership(["x_user"], []);
    expect(fateOf("x_user", odd)).toBe(NAME_DROPPED);
    expect(fateOf("x-user", odd)).toBe(NAME_DROPPED);
    expect(fateOf("x-other", odd)).toBe(NAME_KEPT);
  });

  test("a forwarding header that a policy reads is as good as any credential", () => {
    expect(fateOf("x-forwarded-user", headerOwnership([], ["x-forwarded-user"]))).toBe(NAME_KEPT);
    expect(fateOf("x-forwarded-for", headerOwnership([], ["x-forwarded-for"]))).toBe(NAME_FORWARDED);
  });

  test("what a policy writes is dropped even if another one reads it", () => {
    expect(fateOf("x-a", headerOwnership(["x-a"], ["x-a"]))).toBe(NAME_DROPPED);
  });
});

test("Connection can take away what is nobody's, and not what framing, routing or the handshake rest on", () => {
  expect(isNominable("x-secret")).toBe(true);
  expect(isNominable("authorization")).toBe(true);
  for (const name of ["host", "content-length", "origin", "sec-websocket-key"]) expect(isNominable(name)).toBe(false);
});
