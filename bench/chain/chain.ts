/**
 * What steps cost: CPU time of one exchange through a compiled chain of ten simple synchronous steps, beyond that of an empty
 * chain, in this process and without sockets. Rounds of both take turns; the best of each counts, and its ratio to the
 * other says whether the machine was quiet.
 *
 *   npm run bench:chain -- [--rounds 15] [--exchanges 100000]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { compile } from "#compiler/compile.ts";
import { optimisationNames, optimisationsWithout, type Optimisations } from "#compiler/optimisations.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { directClient } from "#runtime/client/client.ts";
import { systemClock } from "#runtime/clock.ts";
import type { Exchange } from "#runtime/context.ts";
import type { Gateway } from "#runtime/gateway.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { RequestMessage } from "#runtime/message/message.ts";
import type { GatewayProgram, ProxyProgram } from "#runtime/program.ts";
import { runChain, type ChainOwner } from "#runtime/flow/run.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, exchanges: { type: "string", default: "100000" } },
});
const ROUNDS = Number(values.rounds);
/** In one round. */
const EXCHANGES = Number(values.exchanges);

const set = (name: string, text: string): string =>
  `kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ set: { headers: { ${name}: "${text}" } } }]\n`;
const assign = (name: string, text: string): string =>
  `kind: AssignMessage\nactions: [{ assignVariable: { name: ${name}, ${text} } }]\n`;

/** Ten steps as bundles have them: constants, variables, templates, conditions, an access rule. */
const steps: readonly (readonly [name: string, policy: string, condition?: string])[] = [
  ["AC", "kind: AccessControl\nipRules: { noRuleMatchAction: ALLOW, matchRules: [{ action: DENY, sourceAddresses: [{ mask: 8, value: 10.0.0.0 }] }] }\n"],
  ["AM-Plan", assign("plan", "value: gold")],
  ["AM-Room", assign("room", 'template: "{request.header.x-room:lobby}"')],
  ["AM-Told", set("x-plan", "{plan}")],
  ["AM-Joined", set("x-room-of", "{room}@{apiproxy.name}")],
  ["AM-Get", set("x-read", "yes"), 'request.verb = "GET"'],
  ["AM-Post", set("x-write", "yes"), 'request.verb = "POST"'],
  ["AM-Path", set("x-rooms", "yes"), 'proxy.pathsuffix MatchesPath "/rooms/*"'],
  ["AM-Regex", set("x-numbered", "yes"), 'proxy.pathsuffix ~~ "/rooms/[0-9]+"'],
  ["AM-Trial", set("x-trial", "yes"), 'plan = "trial"'],
];

function bundle(count: number): SourceFile[] {
  const used = steps.slice(0, count);
  const attached = used.map(([name, , condition]) =>
    condition === undefined ? name : `{ name: ${name}, condition: '${condition}' }`);
  const proxy = `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [${attached.join(", ")}] } }]\n`;
  return [
    new SourceFile("gateway.yaml", "kind: Gateway\nstore: { kind: memory }\nobservability: { debug: off }\n"),
    new SourceFile("proxies/p/proxy.yaml", proxy),
    ...used.map(([name, policy]) => new SourceFile(`proxies/p/policies/${name}.yaml`, policy)),
  ];
}

/** Compiles a bundle and loads it. */
async function program(count: number, optimisations: Optimisations): Promise<ProxyProgram> {
  const { modules, diagnostics } = await compile(bundle(count), { optimisations });
  if (modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  const folder = mkdtempSync(join(tmpdir(), "apigw-chain-"));
  const runtime = pathToFileURL(join(import.meta.dirname, "..", "..", "runtime/")).href;
  for (const { path, text } of modules) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text.replaceAll('"#runtime/', `"${runtime}`));
  }
  const loaded = (await import(pathToFileURL(join(folder, "program/program.ts")).href)) as { program: GatewayProgram };
  rmSync(folder, { recursive: true });
  loaded.program.makeTargets(defaultLimits);
  const [route] = loaded.program.routes;
  if (route === undefined) throw new Error("nothing is deployed");
  return route.program;
}

/** As much of a gateway as a chain without Debug and traces touches. */
const gateway = { clock: systemClock, tracing: null, spans: null } satisfies Partial<Gateway> as unknown as Gateway;
const socket = { remoteAddress: "192.0.2.7", remotePort: 50_000 } as Socket;
const lines = ["Host", "a.example", "User-Agent", "bench", "X-Room", "12", "Accept", "*/*"];

class Owner implements ChainOwner {
  done = 0;
  chainDone(): void {
    this.done++;
  }
  chainFaulted(): void {
    throw new Error("a step failed");
  }
}

/** Microseconds of CPU for each exchange of one round. */
function round(proxy: ProxyProgram): number {
  const owner = new Owner();
  const before = process.cpuUsage();
  for (let at = 0; at < EXCHANGES; at++) {
    const request = new RequestMessage("GET", "/p/rooms/12", "a=1", "1.1", [...lines]);
    const client = directClient(socket, "http");
    const place = { host: "a.example", pathSuffix: "/rooms/12", client, clientAddress: client.address };
    const x: Exchange = proxy.open({ gateway, program: proxy, request, socket, session: null, ...place });
    runChain(x, x.chains.request, owner);
  }
  const { user, system } = process.cpuUsage(before);
  if (owner.done !== EXCHANGES) throw new Error("a chain did not end");
  return (user + system) / EXCHANGES;
}

const all = optimisationsWithout();
const programs = {
  "no steps": await program(0, all),
  "ten steps": await program(steps.length, all),
  "ten steps, no optimisation": await program(steps.length, optimisationsWithout(optimisationNames)),
};

const best = new Map<string, number>();
for (let at = 0; at < ROUNDS; at++) {
  for (const [name, proxy] of Object.entries(programs)) {
    best.set(name, Math.min(best.get(name) ?? Infinity, round(proxy)));
  }
}

const empty = best.get("no steps") ?? 0;
console.log("| chain | CPU for each exchange, µs | beyond the empty chain, µs | ratio |\n|---|---:|---:|---:|");
for (const [name, cost] of best) {
  console.log(`| ${name} | ${cost.toFixed(2)} | ${(cost - empty).toFixed(2)} | ${(cost / empty).toFixed(2)} |`);
}
