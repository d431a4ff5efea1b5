/**
 * Routing as code: host, then base path segment by segment; the longest match wins, a literal segment beats `*`
 * (apigee-core section 1.4). No table is walked and no pattern is compiled at run time.
 */
import type { HostPlan, Plan, RoutePlan } from "../ir/plan.ts";
import { block } from "./chain.ts";
import { code, identifier, join, literal, unbracketed, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

/** Children of one path position up to which comparisons are written out; beyond, a map keeps the cost flat. */
const COMPARE_MAX = 8;

/** Segments from the root to a position; `*` for any. */
type Prefix = readonly string[];

/** A position in the tree of base paths. */
interface Branch {
  /** The route whose base path ends here. */
  route: RoutePlan | null;
  readonly children: Map<string, Branch>;
  any: Branch | null;
}

/** Emits the routing function of each group and `route`, which chooses among them by host. */
export function emitRouter(plan: Plan, file: FileWriter, programOf: (route: RoutePlan) => Code): void {
  const groups = plan.hosts.map((host) => ({ host, name: emitGroup(host, file, programOf) }));
  const programType = file.type("program.ts", "ProxyProgram");
  const exact = groups.flatMap(({ host, name }) =>
    host.hostnames.filter((hostname) => !hostname.includes("*")).map((hostname) => ({ hostname, name })),
  );
  const wildcards = groups
    .flatMap(({ host, name }) => host.hostnames.filter((hostname) => hostname.startsWith("*.")).map((hostname) => ({ hostname, name })))
    .sort((a, b) => b.hostname.length - a.hostname.length || (a.hostname < b.hostname ? -1 : 1));
  const any = groups.find(({ host }) => host.hostnames.includes("*"));
  const host = identifier("host");
  const path = identifier("path");
  const statements: Code[] = [];
  if (exact.length > COMPARE_MAX) {
    const entries = exact.map(({ hostname, name }) => code`[${hostname}, ${name}]`);
    const map = file.constant("hosts", code`new Map([${join(entries, ", ")}])`);
    statements.push(code`const group = ${map}.get(${host});`, block(code`group !== undefined`, [code`return group(${path});`]));
  } else {
    for (const { hostname, name } of exact) statements.push(block(code`${host} === ${hostname}`, [code`return ${name}(${path});`]));
  }
  for (const { hostname, name } of wildcards) {
    // One label in front, which is not empty: `*.example.com` is `a.example.com`, not `a.b.example.com`.
    const suffix = hostname.slice(1);
    const test = code`${host}.endsWith(${suffix}) && ${host}.indexOf(".", 1) === ${host}.length - ${suffix.length}`;
    statements.push(block(test, [code`return ${name}(${path});`]));
  }
  statements.push(any === undefined ? code`return null;` : code`return ${any.name}(${path});`);
  file.functions.push({
    name: "route",
    doc: "The program for a host (lower-case, without port) and a canonical path.",
    isExported: true,
    parameters: [
      { name: statements.length > 1 ? "host" : "_host", type: "string" },
      { name: "path", type: "string" },
    ],
    returns: `${programType} | null`,
    statements,
  });
}

function emitGroup(host: HostPlan, file: FileWriter, programOf: (route: RoutePlan) => Code): Code {
  const root: Branch = { route: null, children: new Map(), any: null };
  for (const route of host.routes) insert(root, route);
  const programType = file.type("program.ts", "ProxyProgram");
  const name = file.names.camel(`route ${host.group}`);
  const body = new GroupEmitter(file, host.group, programOf);
  file.functions.push({
    name,
    doc: `Environment group ${host.group}: ${host.hostnames.join(", ")}.`,
    isExported: false,
    parameters: [{ name: "path", type: "string" }],
    returns: `${programType} | null`,
    statements: body.branch(root, [], null),
  });
  return identifier(name);
}

function insert(root: Branch, route: RoutePlan): void {
  let branch = root;
  for (const segment of route.segments) {
    if (segment === "*") {
      branch = branch.any ??= { route: null, children: new Map(), any: null };
      continue;
    }
    let child = branch.children.get(segment);
    if (child === undefined) {
      child = { route: null, children: new Map(), any: null };
      branch.children.set(segment, child);
    }
    branch = child;
  }
  branch.route = route;
}

class GroupEmitter {
  readonly #file: FileWriter;
  readonly #group: string;
  readonly #programOf: (route: RoutePlan) => Code;

  constructor(file: FileWriter, group: string, programOf: (route: RoutePlan) => Code) {
    this.#file = file;
    this.#group = group;
    this.#programOf = programOf;
  }

  /**
   * Statements that route from a position on. `start` is the variable that holds the offset behind the slash before the
   * next segment, null at the root; `fallback` is what an ancestor offers when nothing longer matches.
   */
  branch(branch: Branch, prefix: Prefix, fallback: RoutePlan | null, start: Code = literal(1)): Code[] {
    const depth = prefix.length;
    const here = branch.route ?? fallback;
    const result = here === null ? literal(null) : this.#programOf(here);
    if (branch.children.size === 0 && branch.any === null) return [code`return ${result};`];
    const end = identifier(`end${depth}`);
    const segment = identifier(`segment${depth}`);
    const path = identifier("path");
    const next = code`${end} + 1`;
    const children = [...branch.children].sort(([a], [b]) => (a < b ? -1 : 1));
    const statements: Code[] = [
      code`const ${end} = ${this.#file.symbol("segmentEnd")}(${path}, ${start});`,
      code`const ${segment} = ${path}.slice(${start}, ${end});`,
    ];
    if (branch.any !== null) {
      // Both may lead on: the longer base path wins, and of two as long the one with the literal segment.
      const any = this.#reach(branch.any, [...prefix, "*"], next);
      const otherwise = here === null ? code`` : code` ?? ${result}`;
      const missing = block(code`${segment} === ""`, [code`return ${result};`]);
      if (children.length === 0) return [...statements, missing, code`return ${any}${otherwise};`];
      const exact = identifier(`exact${depth}`);
      return [
        ...statements,
        missing,
        code`const ${exact} = ${unbracketed(this.#lookUp(children, prefix, segment, next))};`,
        code`return ${this.#file.symbol("longer")}(${exact}, ${any})${otherwise};`,
      ];
    }
    if (children.length <= COMPARE_MAX) {
      for (const [text, child] of children) {
        statements.push(block(code`${segment} === ${text}`, this.branch(child, [...prefix, text], here, next)));
      }
      return [...statements, code`return ${result};`];
    }
    const found = this.#lookUp(children, prefix, segment, next);
    return [...statements, here === null ? code`return ${unbracketed(found)};` : code`return ${found} ?? ${result};`];
  }

  /** An expression for the program below the child that a segment names, null when there is none. */
  #lookUp(children: readonly [string, Branch][], prefix: Prefix, segment: Code, next: Code): Code {
    const [only] = children;
    if (children.length === 1 && only !== undefined) {
      return code`(${segment} === ${only[0]} ? ${this.#reach(only[1], [...prefix, only[0]], next)} : null)`;
    }
    const isLeafOnly = children.every(([, child]) => isLeaf(child));
    const entries = children.map(([text, child]) => {
      const leaf = isLeaf(child) && child.route !== null ? this.#programOf(child.route) : null;
      if (leaf === null) return code`[${text}, ${this.#function(child, [...prefix, text])}]`;
      return isLeafOnly ? code`[${text}, ${leaf}]` : code`[${text}, () => ${leaf}]`;
    });
    const lines = entries.map((entry) => code`${entry},`);
    const map = this.#file.constant(`${this.#group} ${prefix.join(" ")} segment`, code`new Map([\n${join(lines, "\n")}\n])`);
    return isLeafOnly ? code`(${map}.get(${segment}) ?? null)` : code`(${map}.get(${segment})?.(path, ${next}) ?? null)`;
  }

  /** An expression for the program that a branch leads to, or null. */
  #reach(branch: Branch, prefix: Prefix, next: Code): Code {
    if (isLeaf(branch) && branch.route !== null) return this.#programOf(branch.route);
    return code`${this.#function(branch, prefix)}(path, ${next})`;
  }

  #function(branch: Branch, prefix: Prefix): Code {
    const words = prefix.map((segment) => (segment === "*" ? "any" : segment));
    const name = this.#file.names.camel(`route ${this.#group} ${words.join(" ")}`);
    const programType = this.#file.type("program.ts", "ProxyProgram");
    this.#file.functions.push({
      name,
      doc: `Base paths from /${prefix.join("/")} on.`,
      isExported: false,
      parameters: [
        { name: "path", type: "string" },
        { name: "start", type: "number" },
      ],
      returns: `${programType} | null`,
      statements: this.branch(branch, prefix, null, identifier("start")),
    });
    return identifier(name);
  }
}

/** True when no longer base path goes through the branch. */
function isLeaf(branch: Branch): boolean {
  return branch.children.size === 0 && branch.any === null;
}
