/** The first statement of an artifact: which Nodes it lets through, and that old ones can read it. */
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { NODE_FLOOR, nodeFloorCheck } from "#compiler/6-bundle/node-floor.ts";

/** Runs the check as a Node of the given version would. */
function checkOn(version: string): { said: string[]; exitCode: number | null } {
  const outcome: { said: string[]; exitCode: number | null } = { said: [], exitCode: null };
  runInNewContext(nodeFloorCheck(), {
    process: { versions: { node: version }, exit: (code: number) => (outcome.exitCode ??= code) },
    console: { error: (text: string) => outcome.said.push(text) },
  });
  return outcome;
}

describe("the check of the Node version", () => {
  test.each(["26.5.1", "26.5.2", "26.10.0", "27.0.0", "30.1.2", "26.6.0-nightly2026"])("lets %s pass", (version) => {
    expect(checkOn(version)).toEqual({ said: [], exitCode: null });
  });

  test.each(["26.5.0", "26.4.9", "26.0.0", "25.9.9", "20.20.2", "12.22.12", "26.5.0-rc.1"])("refuses %s", (version) => {
    const { said, exitCode } = checkOn(version);
    expect(exitCode).toBe(78);
    expect(said).toEqual([`gateway: needs Node.js ${NODE_FLOOR} or later, this is ${version}`]);
  });

  test("is one line of the JavaScript that every Node parses", () => {
    expect(nodeFloorCheck()).not.toMatch(/\n|=>|`|\b(const|let|class|async|await)\b|\?\.|\?\?|\*\*/);
  });
});
