/**
 * A gateway whose second listener could not open reported that and left its first one open: the process stayed alive
 * and served, without the part that was missing.
 */
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hasSuccessor } from "#runtime/process/successor.ts";
import { systemClock } from "#runtime/clock.ts";
import { startGatewayFromBundle } from "../support/gateway.ts";
import { refusedPort } from "../support/raw-target.ts";
import { bundle } from "./bundle.ts";

let taken: Server;
let takenPort: number;

beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  takenPort = typeof address === "object" && address !== null ? address.port : 0;
});

afterAll(() => new Promise((resolve) => taken.close(resolve)));

const second = (what: string): string => `kind: Gateway
listeners:
  - { name: public, host: 127.0.0.1, port: { env: FIRST } }
${what}
store: { kind: memory }`;

it.each([
  ["listener", "  - { name: other, host: 127.0.0.1, port: { env: SECOND }, reusePort: false }"],
  ["ops listener", "ops: { host: 127.0.0.1, port: { env: SECOND } }"],
])("one whose %s finds its port taken serves nobody", async (_what, lines) => {
  const env = { FIRST: String(await refusedPort()), SECOND: String(takenPort), TARGET_URL: "http://127.0.0.1:9" };
  const files = { ...bundle(), "gateway.yaml": second(lines) };
  await expect(startGatewayFromBundle(files, { env })).rejects.toThrow("EADDRINUSE");
  expect(await hasSuccessor("127.0.0.1", Number(env.FIRST), systemClock)).toBe(false);
  // The control: with a free port the same gateway serves.
  await using gateway = await startGatewayFromBundle(files, { env: { ...env, SECOND: "0" } });
  expect(await hasSuccessor("127.0.0.1", gateway.port, systemClock)).toBe(true);
});
