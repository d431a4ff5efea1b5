/**
 * What the benchmarks share: starting a proxy on one core, and reading from /proc what its process has cost. Linux only.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";

/** A proxy under measurement. */
export interface Proxy {
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
}

/** Whether a command is on the PATH. */
export function installed(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** CPU microseconds of a process so far, all threads. */
export function cpuUs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1000;
    } catch {
      return sum;
    }
  }, 0);
}

/** Proportional memory of a process, KiB. */
export function pssKib(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
}

/** Starts a proxy on core 0; resolves when its port answers. */
export async function started({ command, args, port }: Proxy, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn("taskset", ["-c", "0", command, ...args], {
    env: { ...environment, PORT: String(port) },
    stdio: "ignore",
  });
  for (let tries = 0; tries < 100; tries++) {
    if (await answers(port)) return child;
    await pause(50);
  }
  throw new Error(`${command} did not start`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    setTimeout(() => socket.destroy(), 50);
  });
}

/** Ends a proxy and waits until it is gone. */
export async function stopped(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
}

/** Runs a script of the load on core 1 and returns the number that it prints. */
export async function loadCount(script: string, args: readonly (string | number)[]): Promise<number> {
  const child = spawn("taskset", ["-c", "1", process.execPath, script, ...args.map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  return Number(text.trim());
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
