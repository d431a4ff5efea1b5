/** Credentials pumped into every place that a recording has: none of them may come out of the admin API again. */
import { Buffer } from "node:buffer";
import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, MASK } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { rawSocket } from "../support/raw-client.ts";
import { AdminClient, ADMIN_SECRET, adminBundle } from "./admin-client.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv } from "./bundle.ts";

/** Values that are nobody's but a credential's. */
const secrets = {
  bearer: "s3cr3t-bearer-token-1",
  jwt: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzM2NyM3Qtand0In0.c2lnbmF0dXJl",
  password: "pa55word of ann",
  cookie: "c00kie-session-value",
  header: "k3y-in-a-header",
  parameter: "p4rameter&token=1",
  json: 'q"uoted-s3cret',
  xml: "xm1-passphrase",
  form: "f0rm-client-secret",
  subprotocol: "pr0t0col-token-that-is-longer-than-a-name",
  issued: "t4rget-issued-token",
  setCookie: "s3t-cookie-value",
  close: "cl0se-reason-token",
  variable: "v4riable-private-value",
  targetHeader: "t4rget-password",
} as const;

/** Values that only the bundle knows to be private. */
const masked = {
  parameter: "078-05-1120", json: "4111-1111-1111-1111", xml: "5500-0000-0000-0004", header: "ann of green gables",
} as const;

let modules: Awaited<ReturnType<typeof compileFiles>>;
let webSocketTarget: FakeTarget;
let httpTarget: Server;
let env: Readonly<Record<string, string>>;
let gateway: TestGateway;
let admin: AdminClient;

const proxy = `kind: ApiProxy
proxyEndpoints:
  - basePath: /leaky
    preFlow:
      request: [{ name: AM-Copy, condition: 'request.header.x-plain != "${"never"}"' }, BA-Target, AM-Body]
      response: [AM-Answer]
    postFlow: { request: [{ name: RF-Echo, condition: 'request.header.x-raise = "yes"' }] }
targetEndpoints: [{ url: { env: LEAKY_URL } }]`;

beforeAll(async () => {
  webSocketTarget = await fakeTarget({ "*": (connection) => connection.accept() });
  httpTarget = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("Set-Cookie", `sid=${secrets.setCookie}; Path=/`);
      response.setHeader("X-Echo", String(request.headers["x-copy"]));
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ access_token: secrets.issued, note: `again ${secrets.issued}`, ok: true }));
    });
  });
  await new Promise<void>((resolve) => httpTarget.listen(0, "127.0.0.1", resolve));
  const address = httpTarget.address();
  const httpPort = typeof address === "object" && address !== null ? address.port : 0;
  env = {
    ...bundleEnv(webSocketTarget.url, 9),
    ADMIN_SECRET,
    LEAKY_URL: `http://127.0.0.1:${httpPort}`,
    BACKEND_PASSWORD: secrets.targetHeader,
  };
  const gatewayMasks = "observability: { masks: { headers: [X-Customer] } }\n";
  modules = await compileFiles(bundle(adminBundle + gatewayMasks, {
    "environments/default.yaml": `kind: Environment
observability: { masks: { requestXPaths: [//card] } }`,
    "proxies/masked/proxy.yaml": `kind: ApiProxy
observability:
  masks: { variables: ["customer.*", request.queryparam.ssn], requestJsonPaths: [$.card.number], responseJsonPaths: [$.note] }
proxyEndpoints: [{ basePath: /masked, preFlow: { request: [AM-Look], response: [AM-Back] } }]
targetEndpoints: [{ url: { env: LEAKY_URL } }]`,
    "proxies/masked/policies/AM-Look.yaml": `kind: AssignMessage
actions:
  - assignVariable: { name: customer.name, ref: request.header.x-customer }
  - assignVariable: { name: seen, template: "{customer.name} {request.queryparam.ssn} {request.content}" }`,
    "proxies/masked/policies/AM-Back.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-length: "{response.header.content-length} {customer.name}" } } }, { assignVariable: { name: gone, ref: response.content } }]`,
    "proxies/leaky/proxy.yaml": proxy,
    "proxies/leaky/policies/AM-Copy.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions:
  - assignVariable: { name: private.kept, template: "${secrets.variable}{request.header.x-none}" }
  - assignVariable: { name: copied, template: "the key is {request.header.x-api-key} and {private.kept}" }
  - set: { headers: { x-copy: "{request.header.authorization} {request.queryparam.apikey} {copied}" } }`,
    "proxies/leaky/policies/BA-Target.yaml": `kind: BasicAuthentication
operation: Encode
user: { ref: request.verb }
password: { ref: private.kept }
assignTo: { value: request.header.Authorization }`,
    "proxies/leaky/policies/AM-Body.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions:
  - assignVariable: { name: body, template: "{request.content} {copied}" }
  - set: { headers: { x-body-length: "{body:none}" } }`.replace("{body:none}", "{request.header.content-length}"),
    "proxies/leaky/policies/AM-Answer.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions:
  - set: { headers: { x-answer: "{response.content}" } }
  - set: { headers: { x-last: "{copied} {body}" } }`,
    "proxies/leaky/policies/RF-Echo.yaml": `kind: RaiseFault
ignoreUnresolvedVariables: true
actions: [{ set: { statusCode: 400, payload: "you said {request.header.x-api-key} and {request.queryparam.apikey}" } }]`,
  }));
});
afterAll(async () => {
  httpTarget.close();
  await webSocketTarget[Symbol.asyncDispose]();
});
beforeEach(async () => {
  gateway = await startModules(modules, { env });
  admin = new AdminClient(gateway);
});
afterEach(() => gateway[Symbol.asyncDispose]());

/** Every way in which a value may be written down. */
function writings(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString("base64").replace(/=+$/, "");
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), base64];
}

function expectClean(text: string, values: readonly string[]): void {
  for (const value of values) {
    for (const writing of writings(value)) expect(text.includes(writing), `${writing} in ${text}`).toBe(false);
  }
}

const headers = {
  "authorization": `Bearer ${secrets.bearer}`,
  "proxy-authorization": `Basic ${Buffer.from(`ann:${secrets.password}`).toString("base64")}`,
  "cookie": `theme=dark; sid=${secrets.cookie}`,
  "x-api-key": secrets.header,
  "x-plain": `see ${secrets.header}, ${secrets.cookie}, ${secrets.password} and ${secrets.jwt}`,
  "referer": `https://ann:${encodeURIComponent(secrets.password)}@example.com/?access_token=${secrets.bearer}#id_token=${secrets.jwt}`,
} as const;
const query = `apikey=${encodeURIComponent(secrets.parameter)}&next=${encodeURIComponent(`/x?token=${secrets.bearer}`)}`;

it("hides what plain requests and their answers carry, at both ends and in variables", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "leaky" });
  const url = `http://127.0.0.1:${gateway.port}/leaky/${encodeURIComponent(secrets.header)}?${query}`;
  const bodies: readonly (readonly [string, string])[] = [
    ["application/json", JSON.stringify({ password: secrets.json, note: `it is ${secrets.json}`, token: secrets.form })],
    ["application/x-www-form-urlencoded", `client_secret=${secrets.form}&client_id=ann&comment=${secrets.form}`],
    ["text/xml", `<login><password>${secrets.xml}</password><note>${secrets.xml}</note></login>`],
  ];
  for (const [type, text] of bodies) {
    const answer = await fetch(url, { method: "POST", body: text, headers: { ...headers, "content-type": type } });
    await answer.arrayBuffer();
  }
  const raised = await fetch(url, { headers: { ...headers, "x-raise": "yes" } });
  expect(raised.status).toBe(400);
  await raised.arrayBuffer();
  const entries = await admin.recorded(body["id"], 4);
  const text = JSON.stringify(entries);
  // The places are there: it is their contents that are hidden.
  for (const name of ["x-copy", "x-answer", "x-last", "referer", "x-plain", "private.kept", "set-cookie", "copied"]) {
    expect(text.toLowerCase()).toContain(name);
  }
  for (const shown of ["client_id=ann", '\\"ok\\":true', "you said ******"]) expect(text).toContain(shown);
  const { subprotocol: _1, close: _2, ...others } = secrets;
  expectClean(text, [...Object.values(others), API_SECRET]);
  const lists = JSON.stringify([await admin.get("/v1/debugSessions"), await admin.get(`/v1/debugSessions/${body["id"]}/transactions`)]);
  expectClean(lists, [...Object.values(others)]);
});

it("hides what handshakes carry, and what a close frame says again", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "key" });
  const path = `/key/a?apikey=${API_KEY}&access_token=${secrets.close}`;
  const client = await rawSocket(gateway.port, path, { ...headers, "Sec-WebSocket-Protocol": `chat, ${secrets.subprotocol}` });
  const connection = await webSocketTarget.request("/a");
  const reason = `${secrets.close} <script>\u2028"`;
  client.send(closing(4000, reason, MASK));
  connection.socket.write(closing(4000, reason, null));
  connection.socket.end();
  await client.end();
  client.socket.end();
  await gateway.line({ event: "session" });
  await expect(rawSocket(gateway.port, `/key/a?apikey=${secrets.header}`, headers)).rejects.toThrow("401");
  const entries = await admin.recorded(body["id"], 2);
  const text = JSON.stringify(entries);
  expect(entries[0]).toMatchObject({ status: 101, close: { code: 4000, text: '****** <script>\u2028"' } });
  expect(text).toContain("chat, ******");
  expectClean(text, [...Object.values(secrets), API_KEY, API_SECRET]);
});

it("hides what the bundle says besides, in bodies too", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "masked" });
  const send = async (type: string, text: string): Promise<void> => {
    const url = `http://127.0.0.1:${gateway.port}/masked?ssn=${masked.parameter}`;
    const lines = { "content-type": type, "x-customer": masked.header };
    await (await fetch(url, { method: "POST", body: text, headers: lines })).arrayBuffer();
  };
  await send("application/json", JSON.stringify({ card: { number: masked.json }, note: masked.json, n: 1 }));
  await send("text/xml", `<a><card>${masked.xml}</card><b>${masked.xml}</b></a>`);
  await send("application/json", `{"card":{"number":"${masked.json}"`);
  const entries = await admin.recorded(body["id"], 3);
  const text = JSON.stringify(entries);
  expectClean(text, [...Object.values(masked), secrets.issued]);
  for (const shown of ['\\"n\\":1', "<b>******</b>", '"name":"customer.name","value":"******"']) expect(text).toContain(shown);
});

it("would find them", () => {
  expect(() => expectClean(JSON.stringify({ a: `b ${secrets.json}` }), [secrets.json])).toThrow();
  expect(() => expectClean(Buffer.from(secrets.password).toString("base64"), [secrets.password])).toThrow();
});
