/** What a path means. */
import { describe, expect, it } from "vitest";
import { placeOf } from "#compiler/1-parse/place.ts";

describe("placeOf", () => {
  it.each([
    ["gateway.yaml", { kind: "gateway" }],
    ["proxies/chat/proxy.yaml", { kind: "proxy", name: "chat" }],
    ["proxies/chat/policies/VK-Key.yaml", { kind: "proxyPolicy", owner: "chat", name: "VK-Key" }],
    ["shared-flows/log/flow.yaml", { kind: "sharedFlow", name: "log" }],
    ["shared-flows/log/policies/a.b.yaml", { kind: "sharedFlowPolicy", owner: "log", name: "a.b" }],
    ["environments/prod.yaml", { kind: "environment", name: "prod" }],
    ["access/apps.yaml", { kind: "access", name: "apps" }],
  ])("%s", (path, place) => {
    expect(placeOf(path)).toEqual(place);
  });

  it.each(["README.yaml", "k8s/deployment.yaml", "proxies/chat/resources/oas/openapi.yaml", "tests/chat.test.yaml"])(
    "%s is not ours",
    (path) => {
      expect(placeOf(path)).toBeNull();
    },
  );

  it.each([
    ["gateway.yml", "gateway.yaml"],
    ["apigw.yaml", "gateway.yaml"],
    ["proxies/chat.yaml", "proxies/chat/proxy.yaml"],
    ["proxies/chat/apiproxy.yaml", "proxies/chat/proxy.yaml"],
    ["proxies/chat/VK-Key.yaml", "proxies/chat/policies/VK-Key.yaml"],
    ["proxies/chat/policys/VK-Key.yaml", "proxies/chat/policies"],
    ["proxies/chat/policies/auth/VK-Key.yaml", "proxies/chat/policies/VK-Key.yaml"],
    ["shared-flows/log/sharedflow.yaml", "shared-flows/log/flow.yaml"],
    ["environments/prod.yml", "environments/prod.yaml"],
    ["envs/prod.yaml", "environments"],
    ["acess/apps.yaml", "access"],
  ])("%s was probably meant as %s", (path, suggestion) => {
    expect(placeOf(path)).toMatchObject({ suggestion });
  });
});
