/** What the tests of bodies stand on: a proxy for each thing that a policy does with one, and a target that sends back what it got. */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, type RawClient, type UpgradeLines } from "../support/raw-client.ts";

const IO_TIMEOUT_MS = 300;

/** A proxy whose steps are policies of these texts, by name. */
function proxy(name: string, flows: string, target: string, policies: Readonly<Record<string, string>>): BundleFiles {
  const files: Record<string, string> = {
    [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, webSocket: deny, ${flows} }]
targetEndpoints: [{ ${target} }]`,
  };
  for (const [policy, text] of Object.entries(policies)) files[`proxies/${name}/policies/${policy}.yaml`] = text;
  return files;
}

const set = (parts: string): string => `kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ set: { ${parts} } }]`;
const echo = "url: { env: TARGET_URL }";

/** The bundle, with these limits. */
export function files(limits: string): BundleFiles {
  return {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
limits: { ${limits} }`,
    ...proxy("open", "name: default", echo, {}),
    ...proxy("read", "preFlow: { request: [AM-Read] }", echo, { "AM-Read": set(`headers: { x-body: "{request.content}" }`) }),
    ...proxy("post", `preFlow: { request: [{ name: AM-Read, condition: 'request.verb = "POST"' }] }`, echo, {
      "AM-Read": set(`headers: { x-body: "{message.content}", x-base64: "{request.content.as.url.safe.base64}" }`),
    }),
    ...proxy("rewrite", "preFlow: { request: [AM-Write] }", echo, {
      "AM-Write": set(`payload: { contentType: text/plain, value: "<{request.content}>é" }`),
    }),
    ...proxy("replace", "preFlow: { request: [AM-Write] }", echo, { "AM-Write": set("payload: instead") }),
    ...proxy("remove", "preFlow: { request: [AM-Remove] }", echo, {
      "AM-Remove": "kind: AssignMessage\nactions: [{ remove: { payload: true } }]",
    }),
    ...proxy("answer", "postFlow: { response: [AM-Answer] }", echo, {
      "AM-Answer": set(`headers: { x-answer: "{response.content}" }`),
    }),
    ...proxy("wrap", "postFlow: { response: [AM-Answer] }", echo, { "AM-Answer": set(`payload: "[{response.content}]"`) }),
    ...proxy("late", "postFlow: { response: [AM-Answer] }", echo, {
      "AM-Answer": set(`headers: { x-request: "{request.content}" }`),
    }),
    ...proxy("small", "preFlow: { request: [AM-Read] }, properties: { request.payload.parse.limit: 1KiB }",
      `${echo}, properties: { response.payload.parse.limit: 1KiB }, postFlow: { response: [AM-Answer] }`, {
      "AM-Read": set(`headers: { x-request: "{request.content}" }`),
      "AM-Answer": set(`headers: { x-answer: "{response.content}" }`),
    }),
    ...proxy("rules", `name: default`,
      `${echo}, faultRules: [{ name: no, condition: 'error.content = "no"', steps: [AM-No] }, { name: all, steps: [AM-All] }]`, {
      "AM-No": set(`headers: { x-no: "{request.content}" }`),
      "AM-All": set(`headers: { x-all: "{error.content}" }`),
    }),
    ...proxy("form", "preFlow: { request: [AM-Form] }", echo, {
      "AM-Form": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions:
  - assignVariable: { name: request.formparam.user, value: "b&b" }
  - assignVariable: { name: request.formparam.tag.2, value: second }
  - set: { headers: { x-user: "{request.formparam.user}", x-tags: "{request.formparam.tag.values}", x-names: "{request.formparams.names}",
      x-count: "{request.formparams.count}/{request.formparam.tag.values.count}", x-string: "{request.formstring}" } }`,
    }),
    ...proxy("named", "preFlow: { request: [AM-Make, AM-Add, AM-Tell] }, postFlow: { response: [AM-Keep, AM-Renew] }", echo, {
      "AM-Make": `kind: AssignMessage
assignTo: { name: ask, createNew: true, type: request }
actions:
  - set: { verb: put, path: /ask, queryParams: { a: "1" }, headers: { x-one: "1, 2" }, formParams: { user: "a b" } }
  - copy: { source: request, headers: [x-from], queryParams: [q] }`,
      "AM-Add": `kind: AssignMessage
assignTo: { name: ask, createNew: false }
actions:
  - add: { formParams: { user: c, tag: x }, queryParams: { a: "2" } }
  - remove: { formParams: [tag] }
  - assignVariable: { name: ask.header.x-one.2, value: "3" }`,
      "AM-Tell": `kind: AssignMessage
actions:
  - copy: { source: ask, payload: true, headers: [content-type] }
  - set: { headers: { x-ask: "{ask.verb} {ask.uri} {ask.header.x-from} {ask.header.x-one.values} {ask.formparam.user.values} {ask.status.code:none}" } }`,
      "AM-Keep": `kind: AssignMessage\nassignTo: { name: kept, type: response }\nactions: [{ copy: { source: response } }]`,
      "AM-Renew": `kind: AssignMessage
assignTo: { createNew: true, type: response }
actions: [{ set: { statusCode: 202, headers: { x-status: "{kept.status.code} {kept.header.x-target}" }, payload: "<{kept.content}>" } }]`,
    }),
    ...proxy("absent", "preFlow: { request: [AM-Add] }", echo, {
      "AM-Add": "kind: AssignMessage\nassignTo: { name: ask, createNew: false }\nactions: [{ remove: { payload: true } }]",
    }),
    ...proxy("submit", "preFlow: { request: [AM-Form] }", echo, {
      "AM-Form": `kind: AssignMessage
actions:
  - add: { formParams: { tag: new } }
  - remove: { formParams: [secret] }
  - set: { formParams: { user: "{request.verb}" } }`,
    }),
    ...proxy("fault", "preFlow: { request: [RF-Echo] }", echo, {
      "RF-Echo": `kind: RaiseFault
actions: [{ copy: { source: request, payload: true, headers: [x-id] } }, { set: { statusCode: 422, reasonPhrase: Odd } }]`,
    }),
    ...proxy("logged", "postClientFlow: { response: [ML-Both] }", echo, {
      "ML-Both": `kind: MessageLogging\nfile: { message: "{request.content} -> {response.content}" }`,
    }),
    ...proxy("hasty", "postFlow: { response: [AM-Answer] }", "url: { env: RAW_URL }, properties: { io.timeout.millis: 250 }", {
      "AM-Answer": set(`headers: { x-answer: "{response.content}" }`),
    }),
  };
}

let server: Server;
/** A target that says bytes no HTTP server would. */
export let raw: FakeTarget;
export let gateway: TestGateway;
export let env: Readonly<Record<string, string>>;

interface Seen {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly bytes: Buffer;
}
/** What the target got. */
export const seen: Seen[] = [];

type Answer = (response: ServerResponse, seen: Seen) => void;
let answer: Answer = echoed;

/** How the target answers until the test is over. */
export function answerWith(other: Answer): void {
  answer = other;
}

function echoed(response: ServerResponse, { bytes }: Seen): void {
  response.end(bytes);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const entry = { request, bytes, body: bytes.toString("utf8") };
      seen.push(entry);
      answer(response, entry);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  raw = await fakeTarget();
  env = {
    TARGET_URL: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    RAW_URL: raw.url,
  };
  gateway = await startGatewayFromBundle(files(`ioTimeout: ${IO_TIMEOUT_MS}ms`), { env });
});

afterEach(async () => {
  answer = echoed;
  await gateway.calm();
  expect(gateway.gateway.heldBytes).toBe(0);
});

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await raw[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

export const post = (path: string, body: string, lines: UpgradeLines = {}): string =>
  `${plainRequest(path, { "Content-Length": String(Buffer.byteLength(body)), ...lines }, "POST")}${body}`;

/** A header of the request that the target got last. */
export const header = (name: string): string | undefined => seen.at(-1)?.request.headers[name]?.toString();

/** The client's connection is in a known state: another exchange goes well. */
export async function usable(client: RawClient): Promise<void> {
  answer = echoed;
  expect(await client.send(post("/open/usable", "yes")).answer()).toMatchObject({ status: 200, body: "yes" });
}
