/**
 * The load of the HTTP benchmark, over plain sockets with as little work per exchange as can be: a target that answers every
 * request head with the same 1 KiB, and a pump that sends the next request when an answer is whole. Run by compare.ts:
 * `load.ts target PORT`, `load.ts pump PORT CONNECTIONS SECONDS`.
 */
import { connect, createServer, type Socket } from "node:net";

const [mode = "", portText = "0", ...rest] = process.argv.slice(2);
const port = Number(portText);
const BODY = Buffer.alloc(1024, 120);
const HEAD_END = Buffer.from("\r\n\r\n");

function target(): void {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\nCache-Control: no-store\r\n\r\n";
  const answer = Buffer.concat([Buffer.from(head), BODY]);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    let kept: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      let bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      for (let end = bytes.indexOf(HEAD_END); end >= 0; end = bytes.indexOf(HEAD_END)) {
        bytes = bytes.subarray(end + 4);
        socket.write(answer);
      }
      kept = bytes;
    });
  });
  server.listen(port, "127.0.0.1", 4096);
}

const request = Buffer.from(
  "GET /orders/7?expand=lines HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nUser-Agent: load/1\r\n" +
    "X-Api-Key: secret-key-1\r\n\r\n",
);

/** Calls back for every whole answer of 1 KiB; ends the process at one that is something else. */
function onAnswers(socket: Socket, answered: () => void): void {
  let kept: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    for (let end = answerEnd(kept); end > 0 && kept.length >= end; end = answerEnd(kept)) {
      kept = kept.subarray(end);
      answered();
    }
  });
}

/** Where the first answer ends; 0 while its head is incomplete. Answers are counted by length, or by one chunk. */
function answerEnd(bytes: Buffer): number {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return 0;
  if (bytes.toString("latin1", 9, 12) !== "200") {
    console.error(bytes.toString("latin1", 0, 400));
    process.exit(1);
  }
  const isChunked = /transfer-encoding: chunked/i.test(bytes.toString("latin1", 0, end));
  return isChunked ? end + 4 + "400\r\n".length + BODY.length + "\r\n0\r\n\r\n".length : end + 4 + BODY.length;
}

async function pump(): Promise<void> {
  const [connections = 1, seconds = 1] = rest.map(Number);
  let answers = 0;
  for (let at = 0; at < connections; at++) {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", (error) => {
      console.error(error.message);
      process.exit(1);
    });
    onAnswers(socket, () => {
      answers++;
      socket.write(request);
    });
    socket.write(request);
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  console.log(answers);
  process.exit(0);
}

if (mode === "target") target();
else await pump();
