/** URLs of targets under the oracle (apigee-core section 2.4): what they say, and which texts are none. */
import type { TextSetting } from "#compiler/ir/model.ts";

/**
 * Where a request goes: `server` with its port unless that is 80, `host` without the scheme's own; null: the server of a
 * load balancer whose turn it is.
 */
export interface Address {
  readonly server: string | null;
  readonly host: string | null;
  readonly scheme: "http" | "https";
  readonly path: string;
  readonly query: string | null;
}

/** http, or https where the endpoint leaves the scheme open; no user, no fragment. Every other text reaches nobody. */
export function parsedUrl(text: string, isOpen: boolean): Address | null {
  const form = /^(https?):\/\/([a-z0-9.-]+(?::\d+)?)(\/[^?#\s\\]*)?(?:\?([^#\s\\]*))?$/;
  const [, scheme, server, path = "", given] = form.exec(text) ?? [];
  if (server === undefined || (scheme === "https" && !isOpen)) return null;
  // What cannot stand in a query is escaped.
  const query = given?.replace(/["<>']|[^\u0000-\u007f]/gu, (letter) =>
    [...new TextEncoder().encode(letter)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(""));
  const place = { path: path === "/" ? "" : path, query: query === undefined || query === "" ? null : query };
  if (scheme !== "https") return { ...place, scheme: "http", server: server.replace(/:80$/, ""), host: server.replace(/:80$/, "") };
  const ported = server.includes(":") ? server : `${server}:443`;
  return { ...place, scheme: "https", server: ported.replace(/:80$/, ""), host: ported.replace(/:443$/, "") };
}

/** The URL that a bundle says. */
export function configuredUrl(url: TextSetting): Address {
  const parsed = parsedUrl(String(url), false);
  if (parsed === null) throw new Error("targets of projects are http URLs");
  return parsed;
}
