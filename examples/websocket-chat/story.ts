/**
 * The story of a connection, told by a real client: admitted, echoed, refused, answered by the target itself, ended with its
 * token, ended by a revocation, recorded. Each line says what was expected and what happened.
 */
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import WebSocket from "ws";

/** What the story needs of a running gateway. */
export interface StoryGateway {
  /** Where a listener listens: `host:port`. */
  address(listener: string): string;
  /** Authority that signed the certificate of its public listener; absent: that listener speaks plain HTTP. */
  readonly ca?: string;
  /** Its log so far, in order. */
  readonly records: readonly Record<string, unknown>[];
}

/** How long a step may take. */
const STEP_TIMEOUT_MS = 10_000;
/** Lifetime of the token that expires during the story. */
const SHORT_LIFETIME_MS = 1_500;

export class Story {
  readonly #gateway: StoryGateway;
  readonly #secrets: { readonly key: string; readonly secret: string; readonly admin: string };
  readonly #print: (line: string) => void;
  #happened = true;

  constructor(gateway: StoryGateway, secrets: { key: string; secret: string; admin: string }, print: (line: string) => void) {
    this.#gateway = gateway;
    this.#secrets = secrets;
    this.#print = print;
  }

  /** Tells it; true when all of it happened. */
  async tell(): Promise<boolean> {
    await this.#chapter("an upgrade with a key is admitted, a message comes back", () => this.#echo());
    await this.#chapter("an upgrade without a key is refused with Apigee's fault", () => this.#refused());
    await this.#chapter("a plain GET is answered by the target itself", () => this.#plain());
    await this.#chapter("a token expires while its connection is open", () => this.#expires());
    await this.#chapter("a token is revoked while its connection is open", () => this.#revoked());
    await this.#chapter("each connection left one record", () => this.#records());
    return this.#happened;
  }

  async #chapter(title: string, run: () => Promise<string[]>): Promise<void> {
    this.#print(`-- ${title}`);
    try {
      for (const line of await within(run(), title)) this.#print(`   ${line}`);
    } catch (cause) {
      this.#happened = false;
      this.#print(`   NOT SO: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  async #echo(): Promise<string[]> {
    const socket = await this.#connect(`/v1/chat?apikey=${this.#secrets.key}`);
    const answer = new Promise<string>((resolve) => socket.once("message", (data) => resolve(String(data))));
    socket.send("hello");
    const text = await answer;
    expect(text.includes("hello"), `the echo was ${text}`);
    socket.close(1000, "done");
    await closed(socket);
    return ["101 Switching Protocols", `> hello`, `< ${text}`];
  }

  async #refused(): Promise<string[]> {
    const { status, body } = await this.#refusal("/v1/chat");
    expect(status === 401, `status ${status}`);
    expect(body.includes("steps.oauth.v2.FailedToResolveAPIKey"), `body ${body}`);
    return [`${status} ${body}`];
  }

  async #plain(): Promise<string[]> {
    const { status, body } = await this.#ask("GET", `/v1/chat?apikey=${this.#secrets.key}`);
    expect(status === 426, `status ${status}`);
    return [`${status} ${body}`];
  }

  async #expires(): Promise<string[]> {
    const token = await this.#token(SHORT_LIFETIME_MS);
    const socket = await this.#connect("/v1/rooms", token);
    const startedMs = performance.now();
    const { code, reason } = await closed(socket);
    expect(code === 3000 && reason === "token expired", `closed with ${code} ${reason}`);
    return [`closed ${code} "${reason}" ${Math.round(performance.now() - startedMs)} ms after the 101`];
  }

  async #revoked(): Promise<string[]> {
    const token = await this.#token(3_600_000);
    const socket = await this.#connect("/v1/rooms", token);
    const end = closed(socket);
    const startedMs = performance.now();
    const response = await fetch(`http://${this.#gateway.address("admin")}/v1/tokens:revoke`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#secrets.admin}`, "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    expect(response.ok, `the admin API answered ${response.status} ${await response.text()}`);
    const { code, reason } = await end;
    const tookMs = performance.now() - startedMs;
    expect(code === 3003 && reason === "token revoked", `closed with ${code} ${reason}`);
    const again = await this.#refusal("/v1/rooms", token);
    expect(again.status === 401, `the revoked token was answered ${again.status}`);
    return [`closed ${code} "${reason}" ${tookMs.toFixed(1)} ms after the call; the same token now gets ${again.status}`];
  }

  async #records(): Promise<string[]> {
    const sessions = await until(() => {
      const found = this.#gateway.records.filter((record) => record["event"] === "session");
      return found.length >= 3 ? found : null;
    });
    expect(sessions.length === 3, `${sessions.length} records`);
    return sessions.map((record) => {
      const field = (name: string): string => String(record[name] ?? "-");
      return [
        `${field("apigw.proxy")}: ${field("apigw.ws.close_reason")} by ${field("apigw.ws.closed_by")}`,
        `code ${field("apigw.ws.close_code")}`,
        `${Math.round(Number(record["apigw.duration_ms"]))} ms`,
        `${field("apigw.bytes_in")} bytes in, ${field("apigw.bytes_out")} out`,
        `app ${field("apigw.app")}`,
      ].join(", ");
    });
  }

  async #token(lifetimeMs: number): Promise<string> {
    const form = new URLSearchParams({ grant_type: "client_credentials", lifetime_ms: String(lifetimeMs) });
    const { status, body } = await this.#ask("POST", "/oauth/token", form.toString(), {
      authorization: `Basic ${btoa(`${this.#secrets.key}:${this.#secrets.secret}`)}`,
      "content-type": "application/x-www-form-urlencoded",
    });
    expect(status === 200, `no token: ${status} ${body}`);
    const answer: unknown = JSON.parse(body);
    const token: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, "access_token") : undefined;
    expect(typeof token === "string", "no token in the answer");
    return String(token);
  }

  /** A plain request to the public listener. */
  #ask(method: string, path: string, body = "", headers: IncomingHttpHeaders = {}): Promise<{ status: number; body: string }> {
    const { ca } = this.#gateway;
    const url = `${ca === undefined ? "http" : "https"}://${this.#gateway.address("public")}${path}`;
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, "content-length": Buffer.byteLength(body) } };
      const request = ca === undefined ? httpRequest(url, options) : httpsRequest(url, { ...options, ca });
      request.once("error", reject);
      request.once("response", (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      request.end(body);
    });
  }

  #open(path: string, token?: string): WebSocket {
    const { ca } = this.#gateway;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const url = `${ca === undefined ? "ws" : "wss"}://${this.#gateway.address("public")}${path}`;
    return new WebSocket(url, { headers, ...(ca === undefined ? {} : { ca }) });
  }

  #connect(path: string, token?: string): Promise<WebSocket> {
    const socket = this.#open(path, token);
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(socket)).once("error", reject);
    });
  }

  #refusal(path: string, token?: string): Promise<{ status: number; body: string }> {
    const socket = this.#open(path, token);
    return new Promise((resolve, reject) => {
      socket.once("open", () => reject(new Error("it was admitted"))).once("error", reject);
      socket.once("unexpected-response", (_request, response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      });
    });
  }
}

function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.on("error", () => undefined);
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing happened for ${STEP_TIMEOUT_MS} ms`)), STEP_TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function until<T>(look: () => T | null): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
