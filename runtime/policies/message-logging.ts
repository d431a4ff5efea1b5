/** MessageLogging: a line of the bundle's own in the gateway's log. The log bounds it, and never blocks for it. */
import type { Exchange } from "../context.ts";

export interface MessageLoggingConfig {
  readonly name: string;
  /** Apigee's logLevel. */
  readonly severity: "DEBUG" | "INFO" | "WARN" | "ERROR" | "ALERT";
}

const LEVELS = { DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error", ALERT: "error" } as const;

/** Writes one line; `message` holds no credentials, the compiler has seen to that. */
export function logMessage(x: Exchange, { name, severity }: MessageLoggingConfig, message: string): void {
  const { environment, proxy } = x.program;
  const place = { "apigw.id": x.id, "apigw.env": environment, "apigw.proxy": proxy, "apigw.policy": name };
  x.gateway.log.event("message_log", { ...place, severity, message }, LEVELS[severity]);
}
