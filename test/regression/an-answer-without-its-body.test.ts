/**
 * A policy changed status or verb, and the answer to the client kept the length of a body that could not follow, or got
 * a body that its status does not have: what came next on the connection was read as part of it.
 */
import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

let target: FakeTarget;
let gateway: TestGateway;

/** What the target answers, by path; it closes behind each answer. */
const answers: Readonly<Record<string, string>> = {
  "/304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n",
  "/head": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n",
  "/length": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n",
  "/chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
  "/gzip": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n",
  "/reason": "HTTP/1.1 200 O\u0001K\r\nContent-Length: 4\r\n",
  "/latin1": "HTTP/1.1 200 OK\r\nX-Name: caf\u00c3\u00a9\r\nContent-Length: 4\r\n",
};
const bodies: Readonly<Record<string, string>> = { "/304": "", "/head": "", "/chunks": "4\r\nbody\r\n0\r\n\r\n" };

beforeAll(async () => {
  target = await fakeTarget({
    "*": ({ socket, path, head }) => {
      const body = head.startsWith("HEAD") ? "" : (bodies[path] ?? "body");
      socket.end(Buffer.from(`${answers[path] ?? ""}Connection: close\r\n\r\n${body}`, "latin1"));
    },
  });
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Path, status and body that the client gets, header lines that it must not get. */
const cases: readonly [path: string, status: number, body: string, absent: string][] = [
  ["/as-200/304", 200, "", "content-encoding"],
  ["/as-head/head", 200, "", "content-encoding"],
  ["/as-204/length", 204, "", "content-length"],
  ["/as-204/chunks", 204, "", "transfer-encoding"],
  ["/payload/gzip", 200, "replaced", "content-encoding"],
  ["/open/length", 200, "body", "transfer-encoding"],
  ["/open/chunks", 200, "body", "content-length"],
  ["/open/latin1", 200, "body", "transfer-encoding"],
];

describe.each([["request", plainRequest], ["upgrade", upgradeRequest]] as const)("a plain answer to a %s", (kind, ask) => {
  // An upgrade is a GET towards the target, whatever verb a policy sets, so it brings its body.
  const expected = cases.filter(([path]) => kind === "request" || path !== "/as-head/head");
  it.each(expected)("to %s is a whole %i, and the connection goes on", async (path, status, body, absent) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(ask(path)).answer();
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers.has(absent)).toBe(false);
    expect(await client.send(plainRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
  });

  it("passes bytes above 0x7f in a header as they are", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(ask("/open/latin1")).answer();
    expect(answer.headers.get("x-name")).toBe("caf\u00c3\u00a9");
  });
});

it("an upgrade is a GET, whatever verb a policy sets", async () => {
  using client = await rawClient(gateway.port);
  expect(await client.send(upgradeRequest("/as-head/length")).answer()).toMatchObject({ status: 200, body: "body" });
});

it("HEAD keeps the length that GET would have", async () => {
  using client = await rawClient(gateway.port);
  const { headers } = await client.send(plainRequest("/open/head", {}, "HEAD")).answer("HEAD");
  expect(headers.get("content-length")).toBe("1000");
  expect(await client.send(plainRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
});

it("an answer with a control character in its reason phrase does not get through, and nothing breaks", async () => {
  using client = await rawClient(gateway.port);
  expect(await client.send(plainRequest("/open/reason")).answer()).toMatchObject({ status: 502 });
  expect(await client.send(plainRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
});
