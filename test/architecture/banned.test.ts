/** What runtime/ may not call (invariant I12), and what weakens types, counted: the numbers may only fall. */
import { describe, expect, it } from "vitest";
import { ts } from "ts-morph";
import { nodesOf, parseSource, placeOf, sourcesIn, type Source } from "./sources.ts";

const runtime = sourcesIn("runtime");
const compiler = sourcesIn("compiler");

interface Ban {
  readonly what: string;
  /** True for what is banned, by its text. */
  readonly calls: (node: ts.Node, text: () => string) => boolean;
  /** Files that may, with the reason. */
  readonly allowed: Readonly<Record<string, string>>;
  readonly control: string;
}

const called = (node: ts.Node, text: () => string, names: RegExp): boolean =>
  (ts.isCallExpression(node) || ts.isNewExpression(node)) && names.test(node.expression.getText());
const property = (node: ts.Node, text: () => string, names: RegExp): boolean => ts.isPropertyAccessExpression(node) && names.test(text());

const bans: readonly Ban[] = [
  {
    what: "the time",
    calls: (node, text) =>
      property(node, text, /^(globalThis\.)?(Date\.now|performance\.now|process\.(hrtime|uptime))$/) ||
      (ts.isNewExpression(node) && node.expression.getText() === "Date" && (node.arguments ?? []).length === 0) ||
      (ts.isCallExpression(node) && node.expression.getText() === "Date"),
    allowed: { "runtime/clock.ts": "it is the clock" },
    control: "const a = Date.now(); const b = new Date(); const c = performance.now(); const d = new Date(5);",
  },
  {
    what: "timers",
    calls: (node, text) => called(node, text, /^(globalThis\.)?(setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|queueMicrotask|process\.nextTick)$/),
    allowed: {
      "runtime/clock.ts": "it is the clock",
      "runtime/listen/listen.ts": "setImmediate lets the event loop take the connections that wait already; no time is measured",
      "runtime/process/start.ts": "setImmediate lets destroyed sockets report their end before the process exits; no time is measured",
    },
    control: "setTimeout(f, 1); setInterval(f, 1); setImmediate(f);",
  },
  {
    what: "randomness",
    calls: (node, text) =>
      property(node, text, /^Math\.random$/) || called(node, text, /^(crypto\.)?(randomUUID|randomBytes|randomInt|randomFillSync|getRandomValues)$/),
    allowed: { "runtime/clock.ts": "it is the clock" },
    control: "const a = Math.random(); const b = randomUUID(); const c = crypto.randomBytes(3);",
  },
  {
    what: "the process",
    calls: (node, text) => property(node, text, /^process\.(?!getBuiltinModule$)\w+$/),
    allowed: {
      "runtime/process/serve.ts": "it starts and stops the process",
      "runtime/observe/process-metrics.ts": "it measures the process",
    },
    control: "const a = process.env; process.exit(1); process.stdout.write('');",
  },
  {
    what: "the console",
    calls: (node, text) => property(node, text, /^console\.\w+$/),
    allowed: {},
    control: "console.log(1); console.error(2); console.table(3);",
  },
];

function found(source: Source, ban: Ban): string[] {
  const places: string[] = [];
  for (const node of nodesOf(source)) {
    const text = (): string => node.getText(source.tree);
    if (ban.calls(node, text)) places.push(`${placeOf(source, node)}: ${text()}`);
  }
  return places;
}

describe("runtime/ asks the clock, start.ts and serve.ts for", () => {
  it.each(bans.map((ban) => [ban.what, ban] as const))("%s", (_, ban) => {
    const outside = runtime.filter((source) => ban.allowed[source.path] === undefined);
    expect(outside.flatMap((source) => found(source, ban))).toEqual([]);
    for (const file of Object.keys(ban.allowed)) {
      const source = runtime.find((other) => other.path === file);
      expect(source === undefined ? [] : found(source, ban), `${file} needs no exception`).not.toEqual([]);
    }
    expect(found(parseSource("runtime/a.ts", ban.control), ban).length).toBe(3);
  });

  it("timers by no other name", () => {
    const imports = runtime.flatMap((source) => source.imports.filter(({ to }) => /^node:(timers|perf_hooks)/.test(to)).map(() => source.path));
    expect(imports.filter((file) => file !== "runtime/clock.ts" && file !== "runtime/observe/process-metrics.ts")).toEqual([]);
  });
});

/** What takes the compiler's word away. */
interface Weak {
  readonly any: number;
  /** `x as T`, but not `as const`. */
  readonly as: number;
  /** `x!`. */
  readonly assured: number;
}

function weakSpots(source: Source): Weak {
  const weak = { any: 0, as: 0, assured: 0 };
  for (const node of nodesOf(source)) {
    if (node.kind === ts.SyntaxKind.AnyKeyword) weak.any++;
    if (ts.isNonNullExpression(node)) weak.assured++;
    if (ts.isAsExpression(node) && node.type.getText(source.tree) !== "const") weak.as++;
  }
  return weak;
}

/** Counted exceptions: what another file says (a parser's door), or what cost too much to say in types. */
const allowances: Readonly<Record<string, Partial<Weak>>> = {
  "compiler/2-validate/build-model.ts": { as: 1 },
  "compiler/5-emit/symbols.ts": { as: 1 },
  "compiler/expression/regex-safety.ts": { as: 1 },
  "runtime/clock.ts": { as: 1 },
  "runtime/listen/listen.ts": { as: 1 },
  "runtime/observe/metric-slots.ts": { as: 2 },
  "runtime/observe/metrics.ts": { as: 2 },
  "runtime/side/admin-body.ts": { as: 1 },
  "runtime/state/embedded.ts": { as: 1 },
  "runtime/state/record-text.ts": { as: 1 },
  "runtime/state/redis.ts": { as: 2 },
  "runtime/upgrade/frame-boundary.ts": { assured: 6 },
  "runtime/scheduler.ts": { assured: 4 },
  "runtime/flow/variables.ts": { as: 1 },
};

describe("types are weakened", () => {
  it("no more often than counted here", () => {
    const counted = [...runtime, ...compiler].flatMap((source) => {
      const { any, as, assured } = weakSpots(source);
      const weak = { ...(any > 0 && { any }), ...(as > 0 && { as }), ...(assured > 0 && { assured }) };
      return Object.keys(weak).length === 0 ? [] : [[source.path, weak] as const];
    });
    expect(Object.fromEntries(counted)).toEqual(allowances);
    expect(weakSpots(parseSource("a.ts", "const a = b as any; const c = d!; const e = [1] as const;"))).toEqual({ any: 1, as: 1, assured: 1 });
  });

  it("by no comment", () => {
    const silenced = [...runtime, ...compiler].filter((source) => /@ts-(ignore|expect-error|nocheck)/.test(source.text));
    expect(silenced.map((source) => source.path)).toEqual([]);
  });
});

describe("runtime/ throws", () => {
  it("faults and assertions, and no bare Error", () => {
    const thrown = (source: Source): string[] => {
      const places: string[] = [];
      for (const node of nodesOf(source)) {
        const made = ts.isThrowStatement(node) ? node.expression : undefined;
        if (made === undefined || !ts.isNewExpression(made) || made.expression.getText(source.tree) !== "Error") continue;
        places.push(`${placeOf(source, node)}: ${made.getText(source.tree)}`);
      }
      return places;
    };
    expect(runtime.flatMap(thrown).filter((place) => !/: new Error\([`"](assertion|invariant): /.test(place))).toEqual([]);
    expect(thrown(parseSource("a.ts", 'throw new Error("oh");')).length).toBe(1);
  });
});
