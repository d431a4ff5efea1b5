/** Routes as a table for people. */
import type { ManifestRoute } from "../6-bundle/manifest.ts";

/** One line a route, in the order of the plan, with a heading. */
export function routeTable(routes: readonly ManifestRoute[]): string {
  const rows = routes.map((route) => [
    route.hostnames.join(", "),
    route.basePath,
    route.environment,
    route.endpoint === "default" ? route.proxy : `${route.proxy}/${route.endpoint}`,
    route.webSocket.level,
    route.chain,
  ]);
  const table = [["host", "base path", "environment", "proxy", "websocket", "chain"], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd()}\n`).join("");
}

/** Which routes read bodies into memory, and for what; empty when none does. */
export function bodyNotes(routes: readonly ManifestRoute[]): string {
  const notes = new Set<string>();
  for (const { proxy, endpoint, bodies } of routes) {
    for (const { body, why } of bodies) {
      const what = body === "form" ? "requests that are forms" : `${body}s`;
      notes.add(`  ${proxy}/${endpoint} reads ${what} into memory: ${why}\n`);
    }
  }
  return [...notes].join("");
}

/** Which routes look into messages or refuse upgrades, and why; empty when none does. */
export function frameNotes(routes: readonly ManifestRoute[]): string {
  const notes = new Set<string>();
  for (const { proxy, endpoint, webSocket } of routes) {
    if (webSocket.level === "tracked") continue;
    const verb = webSocket.level === "messages" ? "looks into messages" : "denies WebSocket";
    notes.add(`  ${proxy}/${endpoint} ${verb}${webSocket.why === null ? "" : `: ${webSocket.why}`}\n`);
  }
  return [...notes].join("");
}
