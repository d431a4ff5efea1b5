/**
 * Starts a compiled gateway within a process and stops it again: settings, services, listeners, drain. It knows neither
 * the command line nor signals (serve.ts does).
 */
import { seedAccess } from "../access/seed.ts";
import { buildGateway } from "./build-gateway.ts";
import type { Clock } from "../clock.ts";
import type { Gateway } from "../gateway.ts";
import { defaultLimits, type Limits } from "../limits.ts";
import { openPublic } from "../listen/public.ts";
import type { Listener } from "../listen/listen.ts";
import { andThen, type Maybe } from "../maybe.ts";
import type { LogOutput } from "../observe/log.ts";
import type { GatewayProgram } from "../program.ts";
import { readSettings } from "./settings.ts";
import { Drain, type DrainHooks } from "./shutdown.ts";
import type { AdminOptions } from "../side/admin.ts";
import { messageOf, problemsOf, StartProblems } from "./start-problem.ts";
import { hasSuccessor } from "./successor.ts";
import type { HealthMonitor } from "../target/health-monitor.ts";
import type { Sessions } from "../upgrade/session-index.ts";

/** Turns of the event loop that a stopping gateway waits for the records of sessions that it broke off. */
const RECORD_TURNS_MAX = 100;

/** Where a gateway takes what is not in its program. */
export interface GatewayHost {
  readonly clock: Clock;
  readonly output: LogOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Buffer;
  /** Version of the Node that runs it. */
  readonly node: string;
  /** An upgrade has begun. */
  readonly onUpgrade: () => void;
}

/** A gateway that runs. */
export interface RunningGateway {
  readonly gateway: Gateway;
  readonly listeners: readonly Listener[];
  readonly drain: Drain;
  /** Settles with the exit code when the gateway has stopped. */
  readonly finished: Promise<number>;
}

/** Starts a program within this process. Problems of its configuration come back as a value. */
export async function startGateway(
  program: GatewayProgram,
  host: GatewayHost,
): Promise<RunningGateway | StartProblems> {
  const startedMs = host.clock.monotonicMs();
  const problems = readProgramSettings(program, host);
  if (problems.length > 0) return new StartProblems(problems);
  let gateway: Gateway;
  try {
    const limits: Limits = { ...defaultLimits, ...program.limits };
    program.makeTargets(limits);
    gateway = buildGateway(program, limits, host);
  } catch (cause) {
    return new StartProblems(problemsOf(cause));
  }
  const { store } = gateway;
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
    for (const spec of program.listeners()) listeners.push(await openPublic(program, gateway, spec, host));
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
  const { clock, log } = gateway;
  const opened: Opened = { listeners, sides: [], monitors: [] };
  const { sides, monitors } = opened;
  const { promise: finished, resolve: finish } = Promise.withResolvers<number>();
  const settings = { ...program.drain, closeTimeoutMs: gateway.limits.closeTimeoutMs };
  const drain = new Drain(settings, drainHooks(program, gateway, opened, finish), clock);
  const lifecycle = { isReady: () => !gateway.draining, drain: () => drain.signal("admin") };
  try {
    if (program.ops !== null) sides.push(await program.ops.open(program.ops.at(), gateway, lifecycle));
    if (program.admin !== null) {
      const { at, open, secret } = program.admin;
      sides.push(await open(at(), gateway, lifecycle, secret(), adminOptions(program, host, gateway)));
    }
    monitors.push(...(program.watchTargets?.(gateway) ?? []));
  } catch (cause) {
    await undoStart(gateway, [...listeners, ...sides]);
    return new StartProblems(problemsOf(cause));
  }
  observeGateway(gateway, listeners);
  gateway.fleet?.start();
  gateway.replicas?.start();
  log.event("start", { compiler: program.compiler, build: program.hash, node: host.node });
  for (const { name, scheme, address } of [...listeners, ...sides]) {
    log.event("listening", { listener: name, scheme, address });
  }
  log.event("ready", { routes: program.routes.length, start_ms: Math.round(clock.monotonicMs() - startedMs) });
  log.flush();
  return { gateway, listeners, drain, finished };
}

/** What a start opens, and a stop ends in order. */
interface Opened {
  /** For clients. */
  readonly listeners: readonly Listener[];
  /** Ops and admin. */
  readonly sides: Listener[];
  readonly monitors: HealthMonitor[];
}

/** What draining does to a gateway. `finish` hears the exit code when everything is closed. */
function drainHooks(
  program: GatewayProgram,
  gateway: Gateway,
  { listeners, sides, monitors }: Opened,
  finish: (exitCode: number) => void,
): DrainHooks {
  const { clock, log, sessions } = gateway;
  const { hasSuccessor: isSaid, refuse } = program.drain;
  return {
    unready: () => {
      gateway.draining = true;
    },
    refuseNewcomers: () => {
      gateway.refusing = true;
    },
    stopListening: () => {
      for (const monitor of monitors) monitor.stop();
      for (const listener of listeners) void listener.stopAccepting();
    },
    closeIdle: () => {
      for (const listener of listeners) listener.closeIdle();
    },
    liveSessions: () => sessions.all(),
    // Newcomers that are refused come and go; only what was admitted has to end. Sessions have a connection each.
    leftCount: () =>
      refuse ? sessions.count + gateway.exchanges : Math.max(sessions.count, openConnections(listeners)),
    hasSuccessor: () => isSaid ?? (!refuse && knock(program, listeners, clock)),
    destroyAll: () => destroyAll(sessions, listeners, sides),
    note: (event, fields) => log.event(event, fields),
    finished: (exitCode) => void leave(gateway, sides).then(() => finish(exitCode)),
  };
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
    backpressure: (add) => {
      for (const { program, splice } of gateway.deployed.values()) {
        if (splice.backpressure !== undefined) add(program, splice.backpressure);
      }
    },
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

/** The last that a gateway does. Until its last record is written somebody can ask for it. */
async function leave(gateway: Gateway, sides: readonly Listener[]): Promise<void> {
  await closeServices(gateway);
  await Promise.all(sides.map((side) => side.stopAccepting()));
  for (const side of sides) side.destroyAll();
}

/**
 * Lets go of everything but connections. What cannot be closed is a defect, and keeps neither the rest nor the process.
 */
async function closeServices(gateway: Gateway): Promise<void> {
  const { analytics, metrics, spans, store } = gateway;
  const closes: readonly (() => unknown)[] = [
    () => hearNoMore(gateway),
    () => metrics.close(),
    () => lastRecords(gateway),
    () => analytics?.close(),
    () => spans?.close(),
    () => closeKept(gateway),
    () => store.close(),
  ];
  for (const close of closes) {
    try {
      await close();
    } catch (thrown) {
      gateway.defect(thrown);
    }
  }
}

/** Whatever happens in the store from now on concerns the others. */
function hearNoMore({ fleet, lag, replicas, revocations }: Gateway): void {
  revocations.close();
  lag?.close();
  fleet?.close();
  replicas?.close();
}

/** Sockets that were destroyed say so within a few turns of the event loop; then their sessions are recorded. */
async function lastRecords(gateway: Gateway): Promise<void> {
  const left = (): number => gateway.sessions.count + gateway.exchanges;
  for (let turn = 0; turn < RECORD_TURNS_MAX && left() > 0; turn++) {
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

/** A gateway that cannot start serves nobody and keeps nothing that would keep its process alive. */
async function undoStart(gateway: Gateway, listeners: readonly Listener[]): Promise<void> {
  const stopped = listeners.map((listener) => listener.stopAccepting());
  for (const listener of listeners) listener.destroyAll();
  await Promise.all(stopped);
  for (const listener of listeners) listener.destroyAll();
  await closeServices(gateway);
}

/** Ends what policies keep in the gateway and that holds connections. */
async function closeKept({ counters }: Gateway): Promise<void> {
  const closing = [...new Set(counters.values())].map((kept): unknown => {
    if (typeof kept !== "object" || kept === null || !("close" in kept)) return null;
    return typeof kept.close === "function" ? kept.close() : null;
  });
  await Promise.all(closing);
}

/** What the admin listener has beside the endpoints of every artifact: page, certificates, analytics, Debug. */
function adminOptions(program: GatewayProgram, host: GatewayHost, gateway: Gateway): AdminOptions {
  const page = program.admin?.page ?? null;
  const settings = program.admin?.tls() ?? null;
  const { tracing } = gateway;
  const shows = { secrets: secretsOf(program), ...program.debugMasks, excerpts: program.stepExcerpts };
  const debug = tracing === null ? undefined : program.openDebug?.(gateway, tracing, shows);
  const subjects = [...(program.admin?.subjects ?? []), ...(debug === undefined ? [] : [debug.subject])];
  if (settings === null || program.openTlsListener === null) return { page, subjects };
  return { page, subjects, tls: { open: program.openTlsListener, settings, readFile: host.readFile } };
}

/** Values of settings that must be seen nowhere. */
function secretsOf({ settings, values }: GatewayProgram): readonly string[] {
  return settings.filter(({ kind }) => kind === "secret").map(({ id }) => values[id] ?? "");
}

/** Whether somebody else has taken over the first public port. */
function knock(program: GatewayProgram, listeners: readonly Listener[], clock: Clock): Maybe<boolean> {
  const [spec] = program.listeners();
  const [listener] = listeners;
  if (spec === undefined || listener === undefined) return false;
  // The own listener closes at a calm moment, which may be still to come: until then it would answer the knock itself.
  return listener.stopAccepting().then(() => hasSuccessor(spec.host, listener.port, clock));
}

/** Fills the program with the values of its settings; problems of all of them. */
export function readProgramSettings(program: GatewayProgram, host: GatewayHost): readonly string[] {
  const { values, problems } = readSettings(program.settings, host.env, host.readFile);
  for (const [id, setting] of values) program.values[id] = setting.value;
  return problems;
}

/** What would stop a start, short of the store and of ports that are taken. */
export function checkProgram(program: GatewayProgram, host: GatewayHost): readonly string[] {
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
