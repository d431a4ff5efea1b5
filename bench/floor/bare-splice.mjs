// The floor of the benchmark: the least a WebSocket proxy in plain JavaScript can do. It checks one key, waits for the
// target's answer head and passes it on, then relays bytes with back-pressure. It verifies nothing else: no guards, no
// frames, no deadlines, no record. Environment: PORT, TARGET_PORT, KEY.
import http from "node:http";
import net from "node:net";

const { PORT, TARGET_PORT, KEY } = process.env;

function relay(from, to) {
  from.on("data", (chunk) => to.write(chunk) || from.pause());
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}

const server = http.createServer((request, response) => response.writeHead(426).end());
server.on("upgrade", (request, client, head) => {
  if (request.headers["x-api-key"] !== KEY) return client.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  const target = net.connect({ port: TARGET_PORT, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  target.write(lines.join("\r\n") + "\r\n\r\n");
  if (head.length > 0) target.write(head);
  relay(client, target);
  relay(target, client);
});
server.listen(PORT, "127.0.0.1", 65535);
