/** External authorization: another server has the say, and its tokens and codes are known here. */
import { describe, expect, it } from "vitest";
import { authorizationServer, CALLBACK, CLIENT_ID, closeFrame } from "./ground.ts";

const says = (verdict: string): string =>
  `kind: AssignMessage\nactions: [{ assignVariable: { name: oauth_external_authorization_status, value: "${verdict}" } }]`;

const server = authorizationServer(
  {
    "AM-Other": says("TRUE"),
    "OA-Import": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [client_credentials, password, authorization_code]
externalAuthorization: true
storeToken: true
externalAccessToken: request.formparam.access
externalRefreshToken: request.formparam.refresh
expiresIn: 5m`,
    "OA-Code": `kind: OAuthV2
operation: GenerateAuthorizationCode
externalAuthorization: true
storeToken: true
externalAuthorizationCode: request.formparam.external_code`,
    "OA-Say": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [client_credentials]
externalAuthorization: true
rfcCompliantRequestResponse: true`,
    "AM-Yes": says("true"),
    "AM-No": says("false"),
  },
  {
    "/import": "AM-Yes, OA-Import",
    "/code": "AM-Yes, OA-Code",
    "/say": "AM-Yes, OA-Say",
    "/refused": "AM-No, OA-Say",
    "/silent": "OA-Say",
    "/other": "AM-Other, OA-Say",
  },
);

let serial = 0;
const fresh = (): string => `another-server.token/${serial++}~x+y==`;
const importing = (form: Readonly<Record<string, string>>) =>
  server.post("/oauth/import", { grant_type: "client_credentials", client_id: CLIENT_ID, ...form }, null);

describe("tokens of another server", () => {
  it("verify here, and end sessions when they are revoked", async () => {
    const access = fresh();
    const { body } = await importing({ access });
    expect(body["access_token"]).toBe(access);
    using socket = await server.open(access);
    expect(socket.socket.destroyed).toBe(false);
    expect(JSON.stringify(server.gateway().lines())).not.toContain(access);
    const twice = await importing({ access });
    expect([twice.status, twice.text]).toEqual([500, expect.stringContaining("steps.oauth.v2.InvalidParameter")]);
  });

  it("come in pairs", async () => {
    const [access, refresh] = [fresh(), fresh()];
    const { body } = await importing({ grant_type: "password", username: "ann", password: "x", access, refresh });
    expect([body["access_token"], body["refresh_token"]]).toEqual([access, refresh]);
  });

  it.each([
    ["nothing", ""],
    ["blanks", "a b"],
    ["line ends", "a\r\nb"],
    ["too much", "x".repeat(2049)],
    ["letters of elsewhere", "tökén"],
  ])("are not %s", async (_, access) => {
    expect((await importing({ access })).text).toContain("steps.oauth.v2.InvalidParameter");
  });

  it("come for codes of another server", async () => {
    const external_code = fresh();
    const form = { response_type: "code", client_id: CLIENT_ID, redirect_uri: CALLBACK, external_code };
    const { headers } = await server.post("/oauth/code", form, null);
    expect(new URL(headers.get("location") ?? "").searchParams.get("code")).toBe(external_code);
    const tokens = { access: fresh(), refresh: fresh() };
    const exchange = { grant_type: "authorization_code", code: external_code, redirect_uri: CALLBACK };
    const { body } = await importing({ ...exchange, ...tokens });
    expect(body["access_token"]).toBe(tokens.access);
    using socket = await server.open(tokens.access);
    await importing({ ...exchange, access: fresh(), refresh: fresh() });
    expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
  });
});

describe("the other server's say", () => {
  const ask = (path: string, id = CLIENT_ID) =>
    server.post(path, { grant_type: "client_credentials", client_id: id }, null);

  it("stands for the client's secret", async () => {
    expect((await ask("/oauth/say")).status).toBe(200);
  });

  it.each([
    ["says no", "/oauth/refused"],
    ["says nothing", "/oauth/silent"],
    ["says something else", "/oauth/other"],
  ])("is no when it %s", async (_, path) => {
    const answer = await ask(path);
    expect([answer.status, answer.body["error"]]).toEqual([401, "invalid_client"]);
  });

  it("knows no client that the store does not know", async () => {
    expect((await ask("/oauth/say", "nobody")).status).toBe(401);
  });
});
