/**
 * CPU of one WebSocket handshake with its session's end, of several gateways in one run. All run all the time and are asked in
 * short bursts in turn, so that whatever else the machine does weighs on all alike, and V8 has translated the hot code of
 * each before anything counts. The best burst of each counts, because noise only adds; the median of its ratios to the first
 * gateway's, round by round, says how much of that there was. Linux only (/proc).
 */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { cpuUs, loadCount, pause, started, stopped } from "./proxy-process.ts";

/** A gateway under measurement. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly artifact: string;
  /** The header line with its clients' credential. */
  readonly header?: string;
  /** Called when it listens. */
  readonly ready?: () => Promise<void>;
}

export interface Bursts {
  readonly contenders: readonly Contender[];
  readonly environment: NodeJS.ProcessEnv;
  /** Where the gateways find their target. */
  readonly targetPort: number;
  readonly rounds: number;
  /** Length of one burst. */
  readonly seconds: number;
}

/** What was measured of one gateway. */
export interface HandshakeFigures {
  readonly name: string;
  readonly bestUs: number;
  /** Of its best to the first gateway's. */
  readonly bestRatio: number;
  /** Median over the rounds. */
  readonly usualRatio: number;
}

/** Bursts before anything is measured: V8 translates hot code for some ten thousand handshakes. */
const WARM_BURSTS = 4;
const CONNECTIONS = 50;
const script = join(import.meta.dirname, "connection", "load.ts");

/** Measures all; the first gateway is what the others are compared with. */
export async function handshakeBursts(bursts: Bursts): Promise<HandshakeFigures[]> {
  const { contenders, environment, targetPort, rounds, seconds } = bursts;
  const target = spawn("taskset", ["-c", "1", process.execPath, script, "echo", String(targetPort)], { stdio: "ignore" });
  const children: ChildProcess[] = [];
  try {
    await pause(300);
    for (const { name, port, artifact, ready } of contenders) {
      const proxy = { name, port, command: process.execPath, args: [artifact] };
      children.push(await started(proxy, { ...environment, TARGET_URL: `http://127.0.0.1:${targetPort}` }));
      await ready?.();
    }
    const figures = contenders.map((): number[] => []);
    for (let round = -WARM_BURSTS; round < rounds; round++) {
      for (const [at, { port, header }] of contenders.entries()) {
        const us = await burstUs(children[at]?.pid ?? 0, port, seconds, header);
        if (round >= 0) figures[at]?.push(us);
      }
    }
    return contenders.map(({ name }, at) => summary(name, figures[at] ?? [], figures[0] ?? []));
  } finally {
    await Promise.all(children.map((child) => stopped(child)));
    target.kill("SIGKILL");
  }
}

/** Microseconds of one handshake, session included. */
async function burstUs(pid: number, port: number, seconds: number, header: string | undefined): Promise<number> {
  if (header === undefined) delete process.env["LOAD_HEADER"];
  else process.env["LOAD_HEADER"] = header;
  const before = cpuUs(pid);
  const count = await loadCount(script, ["shake", port, CONNECTIONS, seconds]);
  return (cpuUs(pid) - before) / count;
}

function summary(name: string, own: readonly number[], first: readonly number[]): HandshakeFigures {
  const bestUs = Math.min(...own);
  const ratios = own.map((us, round) => us / (first[round] ?? NaN));
  const usualRatio = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? NaN;
  return { name, bestUs, bestRatio: bestUs / Math.min(...first), usualRatio };
}

/** Prints them as a table of Markdown. */
export function showHandshakes(figures: readonly HandshakeFigures[], rounds: number): void {
  console.log(`| ${rounds} rounds | best handshake, us | of the first's | median of the ratios |\n|---|---:|---:|---:|`);
  for (const { name, bestUs, bestRatio, usualRatio } of figures) {
    console.log(`| ${name} | ${bestUs.toFixed(1)} | ${bestRatio.toFixed(2)} | ${usualRatio.toFixed(2)} |`);
  }
}
