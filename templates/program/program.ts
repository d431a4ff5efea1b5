/**
 * Stands where the compiler puts the generated program, so that main.ts type-checks here. Never copied into an artifact.
 */
import type { GatewayProgram } from "#runtime/program.ts";

export declare const program: GatewayProgram;
