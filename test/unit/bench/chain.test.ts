import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("the benchmark of steps runs, and prints a row for each chain", async () => {
  const args = ["bench/chain/chain.ts", "--rounds", "1", "--exchanges", "50"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const rows = stdout.trim().split("\n").slice(2).map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.map(([, name]) => name)).toEqual(["no steps", "ten steps", "ten steps, no optimisation"]);
  for (const [, , us] of rows) expect(Number(us)).toBeGreaterThan(0);
});
