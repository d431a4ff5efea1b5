/** The ready shared flows for browsers: copied into a bundle as they are, they compile and do what their first lines say. */
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { fakeTarget } from "../../support/fake-target.ts";
import { startGatewayFromBundle } from "../../support/gateway.ts";
import { post, ticketBundle, ticketEnv, tokenOf } from "../verify-ticket/ground.ts";

const templates = join(import.meta.dirname, "../../../templates/shared-flows");
const flows = ["renew-session", "browser-ticket"];

const endpoint = (name: string): string => `
  - { name: ${name}, basePath: /${name}, webSocket: deny, preFlow: { request: [FC-${name}] }, routeRules: [{ name: none }] }`;

it("a page gets a ticket, connects, and renews by the ticket's id", async () => {
  const files = flows.flatMap((flow) =>
    readdirSync(join(templates, flow), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => [`shared-flows/${flow}/${file}`, readFileSync(join(templates, flow, file), "utf8")]),
  );
  const callouts = flows.map((flow) => [`proxies/chat/policies/FC-${flow}.yaml`, `kind: FlowCallout\nsharedFlowBundle: ${flow}`]);
  const bundle = ticketBundle("{ kind: memory }", flows.map(endpoint).join(""), Object.fromEntries([...files, ...callouts]));
  await using target = await fakeTarget({ "*": (connection) => connection.accept() });
  await using gateway = await startGatewayFromBundle(bundle, { env: ticketEnv(target.url) });
  const { ticket, id } = JSON.parse((await post(gateway, "/browser-ticket", await tokenOf(gateway))).body);
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}/socket/a?ticket=${ticket}`);
  await once(client, "open");
  const form = `session=${id}`;
  const lines = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": String(form.length) };
  const renewed = await post(gateway, "/renew-session", await tokenOf(gateway), lines, form);
  expect(JSON.parse(renewed.body)).toEqual({ sessions: 1, refused: 0 });
  client.terminate();
  await gateway.calm();
});
