/**
 * `digest`: the SHA-256 digest under which a key or secret may stand in access/*.yaml. It reads the secret from
 * standard input or a variable, never from the command line, where shells and process lists keep it.
 */
import { createHash } from "node:crypto";
import type { Command } from "commander";
import { examples, type Run } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** Longer input is no key but a file given by mistake. */
const SECRET_BYTES_MAX = 64 * 1024;

export function addDigest(program: Command, run: Run): void {
  program
    .command("digest")
    .description("print the digest of a key or secret, for access/*.yaml")
    .option("--env <name>", "read the secret from this environment variable instead of standard input")
    // Taken, so that the refusal can say why instead of "too many arguments".
    .argument("[secret...]")
    .usage("[options] < secret")
    .addHelpText("after", examples(
      ["printf %s \"$KEY\" | apigw-compile digest", "the digest of what is piped in, without a last line break"],
      ["apigw-compile digest --env CHAT_API_KEY", "the digest of a variable's value"],
    ))
    .action((given: readonly string[], options: { readonly env?: string }) =>
      run(async (terminal) => {
        if (given.length > 0) throw refusedArgument();
        const secret = options.env === undefined ? await fromStdin(terminal) : fromVariable(options.env);
        terminal.out(`${secretDigest(secret)}\n`);
        return exitCodes.ok;
      }),
    );
}

/** The digest of a secret in the form that the gateway's store uses: `sha256:` and base64url. */
function secretDigest(secret: string): string {
  return `sha256:${createHash("sha256").update(secret, "utf8").digest("base64url")}`;
}

function refusedArgument(): CommandFailure {
  return new CommandFailure(
    exitCodes.usage,
    "a secret does not belong on the command line, where the shell's history and the process list show it",
    "pipe it in, or name the variable that holds it: apigw-compile digest --env NAME",
  );
}

function fromVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new CommandFailure(exitCodes.configuration, `the environment variable ${name} is not set`);
  }
  return value;
}

async function fromStdin(terminal: Terminal): Promise<string> {
  const typed = process.stdin.isTTY === true;
  if (typed) {
    terminal.err("secret (it is not shown; end with Enter): ");
    process.stdin.setRawMode(true);
  }
  try {
    const secret = await readSecret(typed);
    if (secret === "") throw new CommandFailure(exitCodes.usage, "no secret came in on standard input");
    return secret;
  } finally {
    if (typed) {
      process.stdin.setRawMode(false);
      process.stdin.pause();
      terminal.err("\n");
    }
  }
}

/** Reads to the end of the input, or, when it is typed, to the first line break. */
async function readSecret(typed: boolean): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of process.stdin.iterator({ destroyOnReturn: true })) {
    bytes = Buffer.concat([bytes, Buffer.from(chunk)]);
    if (bytes.length > SECRET_BYTES_MAX) {
      throw new CommandFailure(exitCodes.usage, `the secret is longer than ${String(SECRET_BYTES_MAX)} bytes`);
    }
    if (typed && bytes.includes(CTRL_C)) process.exit(exitCodes.interrupted);
    if (typed && (bytes.includes(CARRIAGE_RETURN) || bytes.includes(LINE_FEED) || bytes.includes(CTRL_D))) break;
  }
  const text = bytes.toString("utf8");
  return typed ? text.replace(/[\r\n\u0004][^]*$/, "") : text.replace(/\r?\n$/, "");
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
