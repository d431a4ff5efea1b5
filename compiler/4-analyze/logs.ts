/** Log fields that gateway.yaml chooses by name: credentials among them are reported. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Program } from "../ir/program.ts";
import { secretVariables } from "../secret-variable.ts";

const PREFIXES = {
  queryParams: "request.queryparam.",
  requestHeaders: "request.header.",
  responseHeaders: "response.header.",
} as const;

/** Reports what holds a credential, in some proxy or always; the compiled lines leave it out. */
export function checkLogs(program: Program, diagnostics: Diagnostics): void {
  const { logs } = program.gateway.observability ?? {};
  if (logs === undefined) return;
  const tests = [[], ...program.proxies.map(({ policies }) => policies)].map((policies) => secretVariables(policies));
  for (const key of ["queryParams", "requestHeaders", "responseHeaders"] as const) {
    for (const [at, name] of (logs[key] ?? []).entries()) {
      if (!tests.some((isSecret) => isSecret(`${PREFIXES[key]}${name}`))) continue;
      diagnostics.report("AGW4116", program.model.positions.of(logs[key] ?? logs, at), { name });
    }
  }
}
