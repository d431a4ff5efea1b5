/** Starts `apigw-compile schema gateway`, closes the reading end of its output at once, and ends with its exit code. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const bin = join(import.meta.dirname, "..", "..", "compiler", "bin.js");
const child = spawn(process.execPath, [bin, "schema", "gateway"], { stdio: ["ignore", "pipe", "inherit"] });
child.stdout.destroy();
child.on("exit", (code) => process.exit(code ?? 1));
