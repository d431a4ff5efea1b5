/**
 * The example's target: a WebSocket server on /v1/ws that answers every message, 426 to plain requests there, a page on /,
 * /healthz.
 * It mirrors the public Apigee sample's server.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

/** Starts the target; port 0 picks a free one. */
export async function startTarget(port: number, host = "127.0.0.1"): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/v1/ws") === true) {
      response.writeHead(426, { Connection: "Upgrade", Upgrade: "websocket", "Content-Type": "text/plain" });
      response.end("Upgrade Required");
      return;
    }
    if (request.url === "/" || request.url === "") {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
      response.end(readFileSync(new URL("page.html", import.meta.url)));
      return;
    }
    const isHealth = request.url === "/healthz";
    response.writeHead(isHealth ? 200 : 404, { "Content-Type": "application/json" });
    response.end(isHealth ? '{"ok":true}' : '{"ok":false}');
  });
  const sockets = new WebSocketServer({ server, path: "/v1/ws" });
  sockets.on("connection", (socket, request) => {
    const app = request.headers["x-app"];
    socket.on("error", () => undefined);
    socket.on("message", (message, isBinary) => {
      if (isBinary) socket.send(message);
      else socket.send(`Replying to: '${message.toString()}' with 'hello${app === undefined ? "" : `, ${String(app)}`}'`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return { server, url: `http://${host}:${address.port}/v1/ws` };
}

if (process.argv[1] === import.meta.filename) {
  const { url } = await startTarget(Number(process.env["PORT"] ?? 3000), process.env["HOST"] ?? "0.0.0.0");
  console.log(`target listens on ${url}`);
}
