/** Asks the admin listener of a test gateway, which listens on a port of its own. */
import type { TestGateway } from "../support/gateway.ts";
import { PATIENCE_MS } from "../support/until.ts";

export const ADMIN_SECRET = "an-admin-secret-of-some-length";
/** For the end of gateway.yaml. */
export const adminBundle = "admin: { port: 0, secret: { env: ADMIN_SECRET } }\n";

export interface AdminAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export class AdminClient {
  readonly #gateway: TestGateway;

  constructor(gateway: TestGateway) {
    this.#gateway = gateway;
  }

  get(path: string): Promise<AdminAnswer> {
    return this.#ask("GET", path);
  }

  post(path: string, body: object): Promise<AdminAnswer> {
    return this.#ask("POST", path, JSON.stringify(body));
  }

  delete(path: string): Promise<AdminAnswer> {
    return this.#ask("DELETE", path);
  }

  /** Every transaction of a Debug session, whole, once there are `count`: they come when their answers have left. */
  async recorded(session: unknown, count: number): Promise<Record<string, unknown>[]> {
    const path = `/v1/debugSessions/${String(session)}/transactions`;
    const startMs = performance.now();
    let rows: readonly { readonly id: string }[] = [];
    while (rows.length < count) {
      if (performance.now() - startMs > PATIENCE_MS) throw new Error(`${rows.length} of ${count} transactions`);
      rows = (await this.get(path)).body["transactions"] as readonly { readonly id: string }[];
    }
    return Promise.all(rows.map(async ({ id }) => (await this.get(`${path}/${id}`)).body));
  }

  async #ask(method: string, path: string, body: string | null = null): Promise<AdminAnswer> {
    const { address } = this.#gateway.lines({ event: "listening", listener: "admin" })[0] ?? {};
    const headers = { authorization: `Bearer ${ADMIN_SECRET}`, "content-type": "application/json" };
    const answer = await fetch(`http://${String(address)}${path}`, { method, headers, body });
    return { status: answer.status, body: await answer.json() as Record<string, unknown> };
  }
}
