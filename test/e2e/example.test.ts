/** The example, driven end to end by real clients: over plain TCP and TLS, as gateway.cjs and as the executable. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "#compiler/assets.ts";
import { startTarget } from "../../examples/websocket-chat/target/server.ts";
import { spawnGateway } from "../../examples/websocket-chat/spawn-gateway.ts";
import { Story } from "../../examples/websocket-chat/story.ts";
import { runCommand } from "../cli/run-command.ts";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";

const example = join(packageRoot, "examples", "websocket-chat", "gateway");
const secrets = { key: "key-of-the-example", secret: "secret-of-the-example", admin: "admin-secret-of-the-example" };

let authority: TestAuthority;
let target: Awaited<ReturnType<typeof startTarget>>;

beforeAll(async () => {
  authority = testAuthority();
  target = await startTarget(0);
});

afterAll(() => {
  target.server.closeAllConnections();
  target.server.close();
  authority.remove();
});

/** Builds the example, with a TLS listener where asked; the folder of the output. */
async function build(name: string, tls: boolean, kind: "bundle" | "sea"): Promise<string> {
  const folder = join(authority.directory, name);
  cpSync(example, folder, { recursive: true });
  if (tls) {
    const file = join(folder, "gateway.yaml");
    const plain = "port: { env: PORT, default: 8080 } }";
    const text = readFileSync(file, "utf8");
    expect(text).toContain(plain);
    const files = "tls: { certFile: { env: TLS_CERT }, keyFile: { env: TLS_KEY } }";
    writeFileSync(file, text.replace(plain, `port: { env: PORT, default: 8080 }, ${files} }`));
  }
  const out = join(folder, "dist");
  const outcome = await runCommand(["build", folder, "--out", out, "--target", kind]);
  expect(outcome.stderr).toBe("");
  expect(outcome.exitCode).toBe(0);
  return out;
}

async function tell(command: string, args: readonly string[], tls: boolean): Promise<string[]> {
  const pair = authority.issue("localhost", { commonName: "127.0.0.1", names: ["127.0.0.1", "localhost"] });
  const gateway = await spawnGateway(command, args, {
    PORT: "0",
    OPS_PORT: "0",
    ADMIN_PORT: "0",
    CHAT_URL: target.url,
    CHAT_KEY: secrets.key,
    CHAT_SECRET: secrets.secret,
    ADMIN_SECRET: secrets.admin,
    TLS_CERT: pair.certFile,
    TLS_KEY: pair.keyFile,
  });
  const lines: string[] = [];
  try {
    const story = new Story(tls ? { ...gateway, ca: authority.ca } : gateway, secrets, (line) => lines.push(line));
    expect(await story.tell(), lines.join("\n")).toBe(true);
    for (const secret of Object.values(secrets)) expect(JSON.stringify(gateway.records)).not.toContain(secret);
    expect(JSON.stringify(gateway.records)).toContain("chat-web");
  } finally {
    await gateway.stop();
  }
  return lines;
}

describe("the example tells its story", () => {
  it.each([false, true])("as gateway.cjs (TLS: %s)", { timeout: 60_000 }, async (tls) => {
    const out = await build(`bundle-${String(tls)}`, tls, "bundle");
    const lines = await tell(process.execPath, [join(out, "gateway.cjs")], tls);
    expect(lines.join("\n")).not.toContain("NOT SO");
    expect(lines.filter((line) => line.startsWith("--"))).toHaveLength(6);
  });

  it.each([false, true])("as the executable (TLS: %s)", { timeout: 120_000 }, async (tls) => {
    const out = await build(`executable-${String(tls)}`, tls, "sea");
    const lines = await tell(join(out, process.platform === "win32" ? "gateway.exe" : "gateway"), [], tls);
    expect(lines.filter((line) => line.startsWith("--"))).toHaveLength(6);
  });

  it("and knows when it did not happen", { timeout: 60_000 }, async () => {
    const out = await build("bundle-canary", false, "bundle");
    const gateway = await spawnGateway(process.execPath, [join(out, "gateway.cjs")], {
      PORT: "0",
      OPS_PORT: "0",
      ADMIN_PORT: "0",
      CHAT_URL: target.url,
      CHAT_KEY: "another key",
      CHAT_SECRET: secrets.secret,
      ADMIN_SECRET: secrets.admin,
    });
    try {
      expect(await new Story(gateway, secrets, () => undefined).tell()).toBe(false);
    } finally {
      await gateway.stop();
    }
  });
});
