/**
 * `npm start`: compiles the example, starts its target and the compiled gateway, and tells the story of a connection from a
 * real client. `--once` ends behind the story: exit code 0 when all of it happened, else 1.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startTarget } from "./target/server.ts";
import { spawnGateway } from "./spawn-gateway.ts";
import { Story } from "./story.ts";

const root = join(import.meta.dirname, "..", "..");
const dist = join(root, ".build", "websocket-chat");
const isOnce = process.argv.includes("--once");

/** Runs the compiler as a user would. */
async function build(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const bundle = join(import.meta.dirname, "gateway");
  const child = spawn(process.execPath, [join(root, "compiler", "bin.js"), "build", bundle, "--out", dist], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`the example does not compile (exit code ${code})`);
}

async function main(): Promise<number> {
  console.log("1. compile\n");
  await build();
  const target = await startTarget(0);
  const secrets = { key: secret(), secret: secret(), admin: secret() };
  const port = process.env["PORT"] ?? (isOnce ? "0" : "8080");
  const gateway = await spawnGateway(process.execPath, [join(dist, "gateway.cjs")], {
    PORT: port,
    OPS_PORT: isOnce ? "0" : "9090",
    ADMIN_PORT: isOnce ? "0" : "9091",
    CHAT_URL: target.url,
    PAGE_URL: new URL("/", target.url).href,
    CHAT_KEY: secrets.key,
    CHAT_SECRET: secrets.secret,
    ADMIN_SECRET: secrets.admin,
  });
  console.log(`\n2. the target listens on ${target.url}, the gateway on http://${gateway.address("public")}\n`);
  const happened = await new Story(gateway, secrets, console.log).tell();
  const stop = async (): Promise<void> => {
    await gateway.stop();
    target.server.closeAllConnections();
    target.server.close();
  };
  if (isOnce) {
    await stop();
    console.log(happened ? "\nthe whole story happened" : "\nthe story did not happen as it should");
    return happened ? 0 : 1;
  }
  console.log(`\nThe gateway goes on. Try it in a browser: http://${gateway.address("public")}/try#key=${secrets.key}`);
  console.log(`or with a client: npx wscat -c "ws://${gateway.address("public")}/v1/chat?apikey=${secrets.key}"   (Ctrl-C ends)`);
  await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  await stop();
  return happened ? 0 : 1;
}

function secret(): string {
  return randomBytes(18).toString("base64url");
}

process.exitCode = await main().catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause);
  return 1;
});
