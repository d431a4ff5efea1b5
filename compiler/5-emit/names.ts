/**
 * Identifiers of the generated program. They are made here from the user's names, are unique where they stand, and
 * never collide with what the program uses itself.
 */

import type { Exchange } from "#runtime/context.ts";

/** Names that generated files may not use for anything of the user's: keywords, and what every file declares itself. */
const RESERVED = new Set(
  (
    "break case catch class const continue debugger default delete do else enum export extends false finally for function if " +
    "import in instanceof new null return super switch this throw true try typeof var void while with yield let static await " +
    "async implements interface package private protected public arguments eval undefined NaN Infinity globalThis " +
    "x error name path host start settings targets environment AccessGrant Exchange HeaderOwnership Maybe ProxyProgram Target " +
    "Targets Value WebSocketRoute"
  ).split(" "),
);

/** Every member of Exchange (runtime/context.ts); a missing one fails the type check. */
const exchangeMembers: Readonly<Record<keyof Exchange, true>> = {
  captured: true,
  caller: true, depth: true, credential: true, proven: true,
  gateway: true, program: true, socket: true, client: true, clientAddress: true, host: true, pathSuffix: true,
  session: true, request: true, inboundPath: true, inboundQuery: true, response: true, fault: true, inTarget: true, flow: true,
  route: true, target: true,
  targetUrl: true, targetPath: true, copyPathSuffix: true, copyQueryParams: true, targetHost: true, access: true,
  results: true, failed: true, failures: true,
  span: true, trace: true, chains: true, startedWallMs: true, startedMs: true, id: true, keep: true, noteFailed: true, wire: true, run: true,
  ended: true, clientTimes: true, policyTimes: true, isAnswered: true,
  heldBytes: true, event: true, server: true, failedServers: true, targetSocket: true, targetTimes: true,
};

/** Names that a custom variable's field cannot have: it gets another one. */
export const EXCHANGE_MEMBERS: readonly string[] = [
  ...Object.keys(exchangeMembers), "constructor", "prototype", "toString", "valueOf", "hasOwnProperty",
];

/** Hands out identifiers, each once. */
export class Names {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set([...RESERVED, ...taken]);
  }

  /** An identifier in camelCase for some text of the user's. */
  camel(text: string): string {
    return this.#unique(camelCase(text));
  }

  /** An identifier in PascalCase. */
  pascal(text: string): string {
    const camel = camelCase(text);
    return this.#unique(camel.charAt(0).toUpperCase() + camel.slice(1));
  }

  /** An identifier in CONSTANT_CASE. */
  constant(text: string): string {
    const words = text.replace(/([a-z0-9])([A-Z])/g, "$1 $2").split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
    const joined = words.map((word) => word.toUpperCase()).join("_");
    return this.#unique(/^[A-Z]/.test(joined) ? joined : `C_${joined}`);
  }

  /** An identifier as it is, or with a number where it is taken. */
  claim(name: string): string {
    return this.#unique(name);
  }

  #unique(base: string): string {
    let name = base;
    for (let count = 2; this.#taken.has(name); count++) name = `${base}${count}`;
    this.#taken.add(name);
    return name;
  }
}

/** `VK-Key` -> `vkKey`, `rooms.list` -> `roomsList`; names that begin with no letter get one. */
export function camelCase(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const camel = words
    .map((word, at) => {
      const plain = word === word.toUpperCase() ? word.toLowerCase() : word;
      const first = plain.charAt(0);
      return (at === 0 ? first.toLowerCase() : first.toUpperCase()) + plain.slice(1);
    })
    .join("");
  return /^[a-z]/.test(camel) ? camel : `v${camel}`;
}

/** Stands for the digest of a text until that is known. */
export const HASH_PLACEHOLDER = "CHAIN_HASH";
