/**
 * Starts a compiled gateway: reads its settings, builds the services that exchanges share, opens the listeners, and stops them
 * again on a signal. The only file of the runtime that touches the process itself.
 */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { isIdentityRevoked } from "./access/change.ts";
import { resolveBasis } from "./access/resolve.ts";
import { seedAccess } from "./access/seed.ts";
import { VerifiedCache } from "./access/verified-cache.ts";
import { proxyIdentity } from "./access/identity.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { Deployed, Gateway } from "./gateway.ts";
import { isWebSocketUpgrade } from "./guard.ts";
import { instanceOf } from "./instance.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { refusalCounter } from "./listen-refusal.ts";
import type { Listener, ListenerOptions } from "./listen.ts";
import { andThen, type Maybe } from "./maybe.ts";
import { Log, type LogOutput } from "./observe/log.ts";
import { Metrics } from "./observe/metrics.ts";
import type { SessionRecord } from "./observe/record.ts";
import { storeReport, watchHearing } from "./observe/store-health.ts";
import type { GatewayProgram, ListenerSpec, ProxyProgram } from "./program.ts";
import { serveRequest } from "./request.ts";
import { mask, readSettings } from "./settings.ts";
import { Drain } from "./shutdown.ts";
import { hasSuccessor } from "./successor.ts";
import type { AdminOptions } from "./side/admin.ts";
import { beginHandshake } from "./upgrade/handshake.ts";
import { Handshakes } from "./upgrade/handshakes.ts";
import { Revocations } from "./upgrade/revocation.ts";
import type { HealthMonitor } from "./target/health-monitor.ts";
import { Scheduler } from "./upgrade/scheduler.ts";
import { Sessions } from "./upgrade/session-index.ts";
import type { SessionServices } from "./upgrade/session.ts";

/** Exit code when the configuration or its surroundings do not let the gateway start (sysexits.h: EX_CONFIG). */
const EXIT_CONFIGURATION = 78;
/** Just below the largest block that moves glibc's thresholds (DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB). */
const ALLOCATOR_BLOCK_BYTES = 31 * 1024 * 1024;
/** Upgrades after which the young generation grows no more. */
const YOUNG_HEAP_UPGRADES = 1_000;
/** Exit code for options that do not exist (EX_USAGE). */
const EXIT_USAGE = 64;
/** Turns of the event loop that a stopping gateway waits for the records of sessions that it broke off. */
const RECORD_TURNS_MAX = 100;
const KNOWN_FLAGS: readonly string[] = ["--version", "--routes", "--print-config", "--check"];

/** Where a gateway takes what is not in its program. */
export interface GatewayHost {
  readonly clock: Clock;
  readonly output: LogOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Buffer;
}

/** A gateway that runs. */
export interface RunningGateway {
  readonly gateway: Gateway;
  readonly listeners: readonly Listener[];
  readonly drain: Drain;
  /** Settles with the exit code when the gateway has stopped. */
  readonly finished: Promise<number>;
}

/** What stops a gateway from starting, all of it at once. */
export class StartProblems {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    this.problems = problems;
  }
}

/** Runs a program as this process: command line, environment, signals, exit code. */
export async function runGateway(program: GatewayProgram): Promise<void> {
  const flags = new Set(process.argv.slice(2));
  const unknown = [...flags].filter((flag) => !KNOWN_FLAGS.includes(flag));
  if (unknown.length > 0) return refuseFlags(unknown);
  if (flags.has("--version")) return print(versionLine(program));
  if (flags.has("--routes")) return print(routeLines(program));
  const host: GatewayHost = {
    clock: systemClock,
    output: process.stdout,
    env: process.env,
    readFile: (path) => readFileSync(path),
  };
  if (flags.has("--print-config")) {
    print(configLines(program, host));
    return reportProblems(readProgramSettings(program, host));
  }
  if (flags.has("--check")) return reportProblems(checkProgram(program, host));
  keepFreedBuffers();
  const running = await startGateway(program, host);
  if (running instanceof StartProblems) return reportProblems(running.problems);
  const { gateway, drain, finished } = running;
  process.on("uncaughtException", (defect) => gateway.defect(defect));
  process.on("unhandledRejection", (defect) => gateway.defect(defect));
  process.on("SIGTERM", () => drain.signal("SIGTERM")).on("SIGINT", () => drain.signal("SIGINT"));
  const exitCode = await finished;
  gateway.log.flush();
  process.exit(exitCode);
}

/**
 * glibc gives the top of its heap back to the system as soon as some freed read buffers lie there, and the next read
 * faults the same pages in again: three faults for each 16 KiB message. It stops doing so once it has seen a large
 * block freed (mallopt(3), M_MMAP_THRESHOLD is dynamic). The block is never touched, so it costs nothing.
 */
function keepFreedBuffers(): void {
  new ArrayBuffer(ALLOCATOR_BLOCK_BYTES).transfer(0);
}

/**
 * What a gateway allocates lives as long as a handshake or as long as a session. The first upgrades let the young
 * generation grow to what handshakes need; more would only be carried along by every session after them.
 */
function countUpgrades(): () => void {
  let upgrades = 0;
  return () => {
    if (++upgrades === YOUNG_HEAP_UPGRADES) setFlagsFromString("--semi-space-growth-factor=1");
  };
}

/** Starts a program within this process. Problems of its configuration come back as a value. */
export async function startGateway(program: GatewayProgram, host: GatewayHost): Promise<RunningGateway | StartProblems> {
  const startedMs = host.clock.monotonicMs();
  const problems = readProgramSettings(program, host);
  if (problems.length > 0) return new StartProblems(problems);
  let parts: ReturnType<typeof buildGateway>;
  try {
    const limits: Limits = { ...defaultLimits, ...program.limits };
    program.makeTargets(limits);
    parts = buildGateway(program, limits, host);
  } catch (cause) {
    return new StartProblems(problemsOf(cause));
  }
  const { gateway, store } = parts;
  try {
    await store.ready();
    await gateway.revocations.start();
    await seedAccess(store, program.access());
  } catch (cause) {
    await undoStart(gateway, []);
    return new StartProblems([`the store cannot be used: ${messageOf(cause)}`]);
  }
  const listeners: Listener[] = [];
  try {
    const onUpgrade = countUpgrades();
    for (const spec of program.listeners()) listeners.push(await openOne(program, gateway, spec, host, onUpgrade));
  } catch (cause) {
    await undoStart(gateway, listeners);
    return new StartProblems(problemsOf(cause));
  }
  return finishStart(program, host, gateway, listeners, startedMs);
}

/** Side listeners, drain, the first log line: what stands once the public listeners are open. */
async function finishStart(
  program: GatewayProgram,
  host: GatewayHost,
  gateway: Gateway,
  listeners: readonly Listener[],
  startedMs: number,
): Promise<RunningGateway | StartProblems> {
  const { clock, log, metrics, sessions } = gateway;
  const monitors: HealthMonitor[] = [];
  let isReady = true;
  let finish: (exitCode: number) => void = () => undefined;
  const finished = new Promise<number>((resolve) => (finish = resolve));
  const sides: Listener[] = [];
  const { drain: settings } = program;
  const drain = new Drain({ ...settings, closeTimeoutMs: gateway.limits.closeTimeoutMs }, {
    unready: () => {
      isReady = false;
      gateway.draining = true;
    },
    refuseNewcomers: () => {
      gateway.refusing = true;
    },
    stopListening: () => {
      for (const monitor of monitors) monitor.stop();
      return Promise.all(listeners.map((listener) => listener.stopAccepting())).then(() => undefined);
    },
    closeIdle: () => {
      for (const listener of listeners) listener.closeIdle();
    },
    liveSessions: () => sessions.all(),
    // Newcomers that are refused come and go; only what was admitted has to end. Sessions have a connection each.
    leftCount: () => (settings.refuse ? sessions.count + gateway.exchanges : Math.max(sessions.count, openConnections(listeners))),
    hasSuccessor: () => settings.hasSuccessor ?? (!settings.refuse && knock(program, listeners, clock)),
    destroyAll: () => destroyAll(sessions, listeners, sides),
    note: (event, fields) => log.event(event, fields),
    finished: (exitCode) => {
      gateway.revocations.close();
      gateway.lag?.close();
      metrics.close();
      void lastRecords(sessions).then(() => andThen(gateway.store.close(), () => finish(exitCode)));
    },
  }, clock);
  const lifecycle = { isReady: () => isReady, drain: () => drain.signal("admin") };
  try {
    if (program.ops !== null) sides.push(await program.ops.open(program.ops.at(), gateway, lifecycle));
    if (program.admin !== null) {
      const { at, open, secret } = program.admin;
      sides.push(await open(at(), gateway, lifecycle, secret(), adminOptions(program, host)));
    }
    monitors.push(...(program.watchTargets?.(gateway) ?? []));
  } catch (cause) {
    await undoStart(gateway, [...listeners, ...sides]);
    return new StartProblems(problemsOf(cause));
  }
  observeGateway(gateway, listeners);
  log.event("start", { compiler: program.compiler, build: program.hash, node: process.versions.node });
  for (const { name, scheme, address } of [...listeners, ...sides]) log.event("listening", { listener: name, scheme, address });
  log.event("ready", { routes: program.routes.length, start_ms: Math.round(clock.monotonicMs() - startedMs) });
  log.flush();
  return { gateway, listeners, drain, finished };
}

/** Tells the metrics where the numbers are that they read at each scrape. */
function observeGateway(gateway: Gateway, listeners: readonly Listener[]): void {
  const { metrics, sessions, log } = gateway;
  metrics.observe({
    connections: () => openConnections(listeners),
    accepted: () => listeners.reduce((sum, listener) => sum + listener.accepted, 0),
    sessions: () => sessions.count,
    draining: () => gateway.draining,
    droppedLogLines: () => log.droppedLines,
    revocationEpoch: () => gateway.revocations.epoch,
    targets: () => gateway.deployed.keys(),
    liveBytes: (add) => {
      for (const session of sessions.all()) {
        const counters = session.counters();
        if (counters !== null) add(session.route, counters.bytesFromClient, counters.bytesFromTarget);
      }
    },
  });
}

function openConnections(listeners: readonly Listener[]): number {
  return listeners.reduce((sum, listener) => sum + listener.connections, 0);
}

/** Nobody gets any more time, but everybody a close frame where one fits, and a record. */
function destroyAll(sessions: Sessions, listeners: readonly Listener[], sides: readonly Listener[]): void {
  const left = [...sessions.all()];
  for (const session of left) session.end("shutdown");
  for (const side of sides) void side.stopAccepting();
  for (const listener of [...listeners, ...sides]) listener.destroyAll();
  for (const session of left) session.breakOff();
}

/** Sockets that were destroyed say so within a few turns of the event loop; then their sessions are recorded. */
async function lastRecords(sessions: Sessions): Promise<void> {
  for (let turn = 0; turn < RECORD_TURNS_MAX && sessions.count > 0; turn++) {
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

/** A gateway that cannot start serves nobody and keeps nothing that would keep its process alive. */
async function undoStart(gateway: Gateway, listeners: readonly Listener[]): Promise<void> {
  const stopped = listeners.map((listener) => listener.stopAccepting());
  for (const listener of listeners) listener.destroyAll();
  await Promise.all(stopped);
  for (const listener of listeners) listener.destroyAll();
  gateway.revocations.close();
  gateway.lag?.close();
  gateway.metrics.close();
  await gateway.store.close();
}

/** Certificates of the admin listener, where the bundle has them. */
function adminOptions(program: GatewayProgram, host: GatewayHost): AdminOptions {
  const settings = program.admin?.tls() ?? null;
  if (settings === null || program.openTlsListener === null) return {};
  return { tls: { open: program.openTlsListener, settings, readFile: host.readFile } };
}

/** Whether somebody else has taken over the first public port. */
function knock(program: GatewayProgram, listeners: readonly Listener[], clock: Clock): Maybe<boolean> {
  const [spec] = program.listeners();
  const [listener] = listeners;
  if (spec === undefined || listener === undefined) return false;
  // The own listener closes at a calm moment, which may be still to come: until then it would answer the knock itself.
  return listener.stopAccepting().then(() => hasSuccessor(spec.host, listener.port, clock));
}

function readProgramSettings(program: GatewayProgram, host: GatewayHost): readonly string[] {
  const { values, problems } = readSettings(program.settings, host.env, host.readFile);
  for (const [id, setting] of values) program.values[id] = setting.value;
  return problems;
}

/** What would stop a start, short of the store and of ports that are taken. */
function checkProgram(program: GatewayProgram, host: GatewayHost): readonly string[] {
  const problems = readProgramSettings(program, host);
  if (problems.length > 0) return problems;
  try {
    program.makeTargets({ ...defaultLimits, ...program.limits });
    program.listeners();
    return [];
  } catch (cause) {
    return problemsOf(cause);
  }
}

function refuseFlags(unknown: readonly string[]): void {
  process.stderr.write(`unknown option ${unknown.join(", ")}; known: ${KNOWN_FLAGS.join(", ")}\n`);
  process.exitCode = EXIT_USAGE;
}

function print(text: string): void {
  process.stdout.write(text);
}

function reportProblems(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`problem: ${problem}\n`);
  if (problems.length > 0) process.stderr.write(`${problems.length} problem${problems.length === 1 ? "" : "s"}\n`);
  process.exitCode = problems.length > 0 ? EXIT_CONFIGURATION : 0;
}

function versionLine({ compiler, hash }: GatewayProgram): string {
  return `${JSON.stringify({ compiler, build: hash, node: process.versions.node })}\n`;
}

function routeLines({ routes }: GatewayProgram): string {
  return routes
    .map(({ hostnames, program }) => {
      const { basePath, proxy, endpoint, environment, hash } = program;
      return `${hostnames.join(",")} ${basePath} ${proxy}/${endpoint} ${environment} ${hash}\n`;
    })
    .join("");
}

function configLines(program: GatewayProgram, host: GatewayHost): string {
  const shown = mask(program.settings, readSettings(program.settings, host.env, host.readFile));
  return shown.map(({ id, value, origin, where }) => `${id}=${value}  # ${origin}, ${where}\n`).join("");
}

function buildGateway(program: GatewayProgram, limits: Limits, host: GatewayHost) {
  const { clock } = host;
  const log = new Log({ output: host.output, clock, limits, level: logLevel(host.env["APIGW_LOG_LEVEL"]), access: program.accessLog });
  const build = { version: program.compiler, build: program.hash, node: process.versions.node };
  const metrics = new Metrics(build, clock, program.proxies);
  const store = program.openStore(clock, limits, storeReport(log, metrics));
  const sessions = new Sessions(limits);
  const scheduler: Scheduler = new Scheduler(clock, {
    onClockStep: (stepMs) => {
      metrics.count("clockSteps");
      log.event("clock_step", { step_ms: Math.round(stepMs) }, "warn");
      for (const session of sessions.all()) session.clockStepped();
    },
  });
  const revocations = new Revocations(store, sessions, limits, {
    isStillGood: (basis) => andThen(resolveBasis(store, clock, basis), (result) => typeof result !== "string"),
    isRevoked: (identity) => isIdentityRevoked(store, identity),
    onEvent: (stored, count) => log.event("revocation", { sequence: stored.sequence, effect: stored.event.effect, sessions: count }),
    onFailure: (cause) => log.event("revocation_check_failed", { detail: messageOf(cause) }, "error"),
  });
  const lagParts = { clock, store, revocations, sessions, lookMs: limits.storePollMs };
  const lag = watchHearing(program.lag, lagParts, log, metrics);
  const sessionServices: SessionServices = {
    clock,
    scheduler,
    sessions,
    limits,
    onRecord: (record: SessionRecord, wasOpen: boolean) => {
      if (wasOpen) metrics.sessionClosed(record);
      log.session(record);
    },
  };
  const gateway: Gateway = {
    organization: program.organization,
    instance: instanceOf(clock, host.env),
    clock,
    limits,
    router: program.route,
    deployed: deployAll(program),
    sessionServices,
    tracing: new Set<ProxyProgram>(),
    handshakes: new Handshakes(limits),
    exchanges: 0,
    heldBytes: 0,
    store,
    verified: new VerifiedCache(store, revocations, clock, limits),
    sessions,
    revocations,
    lag,
    scheduler,
    log,
    metrics,
    counters: new Map(),
    draining: false,
    refusing: false,
    defect: (thrown) => log.event("defect", { detail: messageOf(thrown), stack: stackOf(thrown) }, "error"),
  };
  return { gateway, store };
}

function deployAll(program: GatewayProgram): ReadonlyMap<ProxyProgram, Deployed> {
  const deployed = new Map<ProxyProgram, Deployed>();
  for (const { program: route } of program.routes) {
    const { webSocket } = route;
    deployed.set(route, {
      program: route,
      session: {
        environment: route.environment,
        proxy: route.proxy,
        endpoint: route.endpoint,
        proxyIdentity: proxyIdentity(route.proxy),
        idleTimeoutMs: webSocket.idleTimeoutMs,
        maxDurationMs: webSocket.maxDurationMs,
        closes: webSocket.closes,
      },
      splice: Object.freeze({ ...webSocket }),
      clientIp: program.clientIp?.get(route.environment) ?? null,
    });
  }
  return deployed;
}

async function openOne(
  program: GatewayProgram,
  gateway: Gateway,
  spec: ListenerSpec,
  host: GatewayHost,
  onUpgrade: () => void,
): Promise<Listener> {
  const { clock, limits, metrics, log } = gateway;
  // The listener hands itself to handlers that run only once it listens.
  let listener: Listener | null = null;
  const self = (): Listener => {
    if (listener === null) throw new TypeError("invariant: nothing arrives before the listener is open");
    return listener;
  };
  const options: ListenerOptions = {
    name: spec.name,
    at: { host: spec.host, port: spec.port, reusePort: spec.reusePort },
    limits,
    clock,
    forwarding: spec.forwarding ?? null, preface: spec.preface ?? null,
    isUpgrade: isWebSocketUpgrade,
    onRequest: (request, response) => {
      orBreakOff(gateway, request.socket, () => serveRequest(gateway, self(), request, response));
    },
    onUpgrade: (request, socket, head) => {
      onUpgrade();
      orBreakOff(gateway, socket, () => beginHandshake(gateway, self(), request, socket, head));
    },
    onRefused: (kind) => metrics.count(refusalCounter(kind)),
  };
  if (spec.tls === null) listener = await program.openListener(options);
  else if (program.openTlsListener === null) throw new TypeError("invariant: programs with TLS listeners carry them");
  else {
    listener = await program.openTlsListener({
      ...options,
      tls: spec.tls,
      readFile: host.readFile,
      onReloaded: () => {
        metrics.count("tlsReloads");
        log.event("certificates_reloaded", { listener: spec.name });
      },
      onReloadFailed: (problems) => {
        metrics.count("tlsReloadFailures");
        log.event("certificates_unusable", { listener: spec.name, problems: problems.join("; ") }, "error");
      },
    });
  }
  return listener;
}

/** A client whose request met a defect of ours must not wait for an answer that nobody writes. */
function orBreakOff(gateway: Gateway, socket: Socket, begin: () => void): void {
  try {
    begin();
  } catch (defect) {
    gateway.defect(defect);
    socket.destroy();
  }
}

/** Several at once where the cause has them (certificates), else its message. */
function problemsOf(cause: unknown): readonly string[] {
  if (cause instanceof Error && "problems" in cause && Array.isArray(cause.problems)) return cause.problems.map(String);
  return [messageOf(cause)];
}

function logLevel(text: string | undefined): "debug" | "info" | "warn" | "error" | "off" {
  return text === "debug" || text === "warn" || text === "error" || text === "off" ? text : "info";
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function stackOf(cause: unknown): string | null {
  return cause instanceof Error ? (cause.stack ?? null) : null;
}
