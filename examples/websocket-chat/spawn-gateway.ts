/** Starts a compiled gateway as a process of its own and waits until it says where it listens. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { StoryGateway } from "./story.ts";

/** A gateway that runs; `stop` ends it and resolves with its exit code. */
export interface SpawnedGateway extends StoryGateway {
  readonly child: ChildProcess;
  stop(): Promise<number | null>;
}

/** Runs `command args`; rejects when the process ends before it is ready. */
export async function spawnGateway(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<SpawnedGateway> {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const records: Record<string, unknown>[] = [];
  const addresses = new Map<string, string>();
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    void exited.then((code) => reject(new Error(`the gateway ended with exit code ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const record = JSON.parse(line) as Record<string, unknown>;
      records.push(record);
      if (record["event"] === "listening") addresses.set(String(record["listener"]), String(record["address"]));
      if (record["event"] === "ready") resolve();
    });
  });
  const stop = (): Promise<number | null> => {
    child.kill("SIGTERM");
    // A second signal ends at once: there is nobody left to wait for.
    setTimeout(() => child.kill("SIGTERM"), 100).unref();
    return exited;
  };
  return { child, records, address: (name) => addresses.get(name) ?? "", stop };
}
