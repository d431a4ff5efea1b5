/** Every route of the gateway, and what can be chosen from them. Only a new build changes them. */
import { line } from "../connection.ts";
import type { RoutePage, RouteRow } from "./route.ts";

const PAGE_ROWS = 1_000;

export async function allRoutes(): Promise<readonly RouteRow[]> {
  const found: RouteRow[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page: RoutePage = await line.get<RoutePage>("/v1/routes", { limit: PAGE_ROWS, after });
    found.push(...page.routes);
    after = page.next;
  }
  return found;
}

/** Each value once, in order. */
export function choices(routes: readonly RouteRow[] | null, of: "proxy" | "environment"): readonly string[] {
  return [...new Set((routes ?? []).map((route) => route[of]))].sort();
}
