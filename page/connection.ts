/**
 * The page's line to the gateway: one secret, kept for this tab alone, and every request that carries it. It knows
 * whether the gateway answers; it knows none of its endpoints.
 */

/** `asking`: no secret yet, or it is no longer taken. `gone`: the gateway does not answer. */
export type LineState = "asking" | "ready" | "gone";

/** An answer that is no success. `status` 0: none came. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const STORAGE_KEY = "apigw-secret";
const ANSWER_TIMEOUT_MS = 15_000;
/** Times between knocks at a gateway that does not answer. */
const KNOCK_DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

/** Query parameters; empty ones are left out. */
export type Query = Readonly<Record<string, string | number | null>>;

export class Line {
  /** With a client certificate the connection itself says who asks. */
  readonly #needsSecret = document.documentElement.dataset["secret"] !== "not-needed";
  readonly #watchers = new Set<() => void>();
  #secret: string | null = this.#needsSecret ? sessionStorage.getItem(STORAGE_KEY) : null;
  #state: LineState = this.#needsSecret && this.#secret === null ? "asking" : "ready";
  /** Why the secret is asked for again; null at the first time. */
  #whyAsking: string | null = null;
  #knocks = 0;
  #knockAtMs = 0;
  #knockTimer = 0;

  get state(): LineState {
    return this.#state;
  }

  get needsSecret(): boolean {
    return this.#needsSecret;
  }

  get whyAsking(): string | null {
    return this.#whyAsking;
  }

  /** When the gateway is tried again, by `Date.now()`. */
  get knockAtMs(): number {
    return this.#knockAtMs;
  }

  /** Calls back at every change of state; returns what ends that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  }

  /** Tries a secret; false when the gateway does not take it. */
  async unlock(secret: string): Promise<boolean> {
    const before = this.#secret;
    this.#secret = secret;
    try {
      await this.#fetch("GET", "/v1/sessions?limit=1");
    } catch (problem) {
      this.#secret = before;
      if (problem instanceof Refusal && problem.status === 401) return false;
      throw problem;
    }
    sessionStorage.setItem(STORAGE_KEY, secret);
    this.#become("ready");
    return true;
  }

  /** Forgets the secret. */
  lock(why: string | null = null): void {
    this.#secret = null;
    sessionStorage.removeItem(STORAGE_KEY);
    this.#whyAsking = why;
    this.#become("asking");
  }

  /** GET. Throws a Refusal. */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== "") parameters.set(name, String(value));
    }
    const text = parameters.toString();
    return this.#ask<T>("GET", text === "" ? path : `${path}?${text}`);
  }

  /** POST with a JSON body. Throws a Refusal. */
  async post<T>(path: string, body?: object): Promise<T> {
    return this.#ask<T>("POST", path, body);
  }

  /** DELETE. Throws a Refusal. */
  async delete<T>(path: string): Promise<T> {
    return this.#ask<T>("DELETE", path);
  }

  /** Tries a gateway that did not answer at once. */
  async knock(): Promise<void> {
    clearTimeout(this.#knockTimer);
    try {
      await this.#fetch("GET", "/v1/sessions?limit=1");
      this.#become("ready");
    } catch (problem) {
      this.#noteProblem(problem);
    }
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    try {
      const answer = await this.#fetch(method, path, body);
      if (this.#state === "gone") this.#become("ready");
      // The gateway's own answers are taken at their word; what they hold is shown as text and nothing else.
      return answer as T;
    } catch (problem) {
      this.#noteProblem(problem);
      throw problem;
    }
  }

  #noteProblem(problem: unknown): void {
    if (!(problem instanceof Refusal)) return;
    if (problem.status === 401) this.lock("The gateway no longer takes this secret.");
    else if (problem.status === 0) this.#knockLater();
    else if (this.#state === "gone") this.#become("ready");
  }

  #knockLater(): void {
    if (this.#state === "gone" && this.#knockAtMs > Date.now()) return;
    const delayMs = KNOCK_DELAYS_MS[Math.min(this.#knocks, KNOCK_DELAYS_MS.length - 1)] ?? 0;
    this.#knocks += 1;
    this.#knockAtMs = Date.now() + delayMs;
    clearTimeout(this.#knockTimer);
    this.#knockTimer = window.setTimeout(() => void this.knock(), delayMs);
    this.#become("gone");
  }

  #become(state: LineState): void {
    if (state !== "gone") {
      this.#knocks = 0;
      clearTimeout(this.#knockTimer);
    }
    if (state === "ready") this.#whyAsking = null;
    this.#state = state;
    for (const changed of this.#watchers) changed();
  }

  async #fetch(method: string, path: string, body?: object): Promise<unknown> {
    const headers: Record<string, string> = {};
    if (this.#secret !== null) headers["Authorization"] = `Bearer ${this.#secret}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response: Response;
    let text: string;
    try {
      response = await fetch(path, {
        method,
        headers,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch {
      throw new Refusal(0, "no_answer", "The gateway does not answer.");
    }
    const value = jsonOf(text);
    if (response.ok && value !== undefined) return value;
    const { code, message } = errorOf(value);
    throw new Refusal(response.status, code, message);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `{ "error": { "code", "message" } }` of an answer that is no success. */
function errorOf(value: unknown): { readonly code: string; readonly message: string } {
  const error = typeof value === "object" && value !== null && "error" in value ? value.error : null;
  if (typeof error !== "object" || error === null) return { code: "unknown", message: "The gateway gave no reason." };
  const code = "code" in error ? String(error.code) : "unknown";
  return { code, message: "message" in error ? String(error.message) : code };
}

/** The page has one line. */
export const line = new Line();
