/** An issuer's server on loopback, whose answer a test writes and changes. */
import { createServer, type Server, type ServerResponse } from "node:http";

/** What the server does with a request. */
export type KeyAnswer = (response: ServerResponse) => void;

export interface KeyServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: number;
  /** What the next requests get. */
  answer: KeyAnswer;
}

/** Answers with a text and a status. */
export function text(body: string, status = 200, headers: Record<string, string> = {}): KeyAnswer {
  return (response) => void response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(body);
}

/** Starts a server. */
export async function keyServer(answer: KeyAnswer): Promise<KeyServer> {
  const state = { requests: 0, answer };
  const server: Server = createServer((_, response) => {
    state.requests++;
    state.answer(response);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/keys?tenant=secret`,
    get requests() {
      return state.requests;
    },
    get answer() {
      return state.answer;
    },
    set answer(next: KeyAnswer) {
      state.answer = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
