/** Starts the compiled gateway. */
import { runGateway } from "#runtime/process/serve.ts";
import { program } from "./program.ts";

void runGateway(program);
