/** What a process and its children have cost so far: CPU time and memory, from Linux's /proc. It measures and judges nothing. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Microseconds of one clock tick of /proc. */
const tickUs = 1_000_000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
/** Fields of /proc/<pid>/stat behind the command's name, counted from the state (proc(5), fields 5, 14 and 15). */
const GROUP = 2;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** User and system time of a process group so far, microseconds. */
export function groupCpuUs(group: number): number {
  return members(group).reduce((sum, { ticks }) => sum + ticks, 0) * tickUs;
}

/** Memory of a process group, KiB: what it shares counts by its share (proportional set size). */
export function groupMemoryKib(group: number): number {
  let sum = 0;
  for (const { pid } of members(group)) {
    const found = /^Pss: +(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`));
    sum += Number(found?.[1] ?? 0);
  }
  return sum;
}

function members(group: number): readonly { pid: string; ticks: number }[] {
  const found: { pid: string; ticks: number }[] = [];
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const text = textOf(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (Number(fields[GROUP]) !== group) continue;
    found.push({ pid, ticks: Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS]) });
  }
  return found;
}

/** "" when the process is gone. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
