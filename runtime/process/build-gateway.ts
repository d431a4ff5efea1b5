/** Builds the services that the exchanges of one gateway share. It opens nothing and waits for nothing. */
import { isJwtRevoked } from "../access/jwt-revocation.ts";
import { proxyIdentity } from "../access/identity.ts";
import { resolveBasis } from "../access/resolve.ts";
import { VerifiedCache } from "../access/verified-cache.ts";
import type { Clock } from "../clock.ts";
import type { Deployed, Gateway } from "../gateway.ts";
import { instanceOf, replicaOf } from "./instance.ts";
import type { Limits } from "../limits.ts";
import { andThen } from "../maybe.ts";
import { FlightRecorder } from "../observe/flight-recorder.ts";
import { Log } from "../observe/log.ts";
import { Metrics } from "../observe/metrics.ts";
import type { SessionRecord } from "../observe/record.ts";
import { storeReport, watchHearing } from "../observe/store-health.ts";
import type { Spans } from "../otlp/spans.ts";
import type { GatewayProgram, ProxyProgram } from "../program.ts";
import { messageOf, stackOf } from "./start-problem.ts";
import type { GatewayHost } from "./start.ts";
import type { ReplicaRecord } from "../state/fleet-record.ts";
import { Backpressure } from "../upgrade/backpressure.ts";
import { Handshakes } from "../upgrade/handshakes.ts";
import type { RenewalServices } from "../upgrade/renewal.ts";
import { Revocations } from "../upgrade/revocation.ts";
import { Scheduler } from "../scheduler.ts";
import { Sessions } from "../upgrade/session-index.ts";
import type { SessionServices } from "../upgrade/session.ts";

/** The services of a program. Throws what opening its store throws. */
export function buildGateway(program: GatewayProgram, limits: Limits, host: GatewayHost): Gateway {
  const services = buildServices(program, limits, host);
  const { clock, defect, store } = services;
  const self = (): ReplicaRecord => replicaOf(services);
  const replicas = program.openReplicas?.({ store, clock, limits, self, defect }) ?? null;
  const fleet = (replicas !== null && program.openFleet?.(services, replicas)) || null;
  return Object.assign(services, { replicas, fleet });
}

type Services = Omit<Gateway, "fleet" | "replicas">;

function buildServices(program: GatewayProgram, limits: Limits, host: GatewayHost): Services {
  const { clock } = host;
  const log = openLog(program, limits, host);
  const metrics = openMetrics(program, host);
  const store = program.openStore(clock, limits, storeReport(log, metrics));
  const analytics = program.analytics?.open(program.analytics.settings(), { clock, limits, log, metrics }) ?? null;
  const sessions = new Sessions(limits);
  const scheduler: Scheduler = new Scheduler(clock, {
    onClockStep: (stepMs) => {
      metrics.count("clockSteps");
      log.event("clock_step", { step_ms: Math.round(stepMs) }, "warn");
      for (const session of sessions.all()) session.clockStepped();
    },
  });
  const revocations = new Revocations(store, sessions, limits, {
    isStillGood: (basis) => andThen(resolveBasis(store, clock, basis), (found) => typeof found !== "string" && found),
    isRevoked: (jwt) => isJwtRevoked(store, jwt),
    onEvent: ({ sequence, event }, sessions) => log.event("revocation", { sequence, effect: event.effect, sessions }),
    onFailure: (cause) => log.event("revocation_check_failed", { detail: messageOf(cause) }, "error"),
    onRenewal: (event) => program.carryOutRenewal?.(renewing, event),
  });
  const instance = instanceOf(clock, host.env);
  const renewing = renewalServices({ store, clock, limits, sessions, revocations, instance }, log, metrics);
  const hearing = { clock, store, revocations, sessions, lookMs: limits.storePollMs };
  const lag = watchHearing(program.lag, hearing, log, metrics);
  const spans = openSpans(program, { clock, limits, instance, log, metrics });
  const { tracing, policyTimes } = startTracing(program, metrics, clock);
  const sessionServices: SessionServices = {
    clock,
    scheduler,
    sessions,
    limits,
    flight: new FlightRecorder(limits.sessionsMax),
    onRecord: (record: SessionRecord, wasOpen: boolean) => {
      if (wasOpen) metrics.sessionClosed(record);
      log.session(record);
      tracing?.closed(record);
    },
    onEnded: (record: SessionRecord) => analytics?.session(record),
  };
  return {
    build: program.hash,
    organization: program.organization,
    instance,
    clock,
    limits,
    router: program.route,
    deployed: deployAll(program),
    sessionServices,
    tracing,
    policyTimes,
    spans,
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
    analytics,
    counters: new Map(),
    draining: false,
    refusing: false,
    defect: (thrown) => log.event("defect", { detail: messageOf(thrown), stack: stackOf(thrown) }, "error"),
  };
}

/** What records exchanges, and what times policies; null where the program has nothing of it. */
function startTracing(
  { policyTimes, routes, startTracing: start }: GatewayProgram,
  metrics: Metrics,
  clock: Clock,
): Pick<Gateway, "tracing" | "policyTimes"> {
  const tracing = start?.(clock) ?? null;
  if (tracing === null || policyTimes === undefined) return { tracing, policyTimes: null };
  return { tracing, policyTimes: policyTimes.watch(tracing, routes, metrics, policyTimes.every, clock) };
}

/** The way of spans to a collector, with a line at each end of an outage; null where the program sends none. */
function openSpans(
  program: GatewayProgram,
  { clock, limits, instance, log, metrics }: Pick<Gateway, "clock" | "limits" | "instance" | "log" | "metrics">,
): Spans | null {
  const { openSpans: open } = program;
  if (open === undefined) return null;
  return open({
    clock,
    limits,
    instanceId: instance.uuid,
    exported: (count) => metrics.count("spansExported", count),
    dropped: (count) => metrics.count("spansDropped", count),
    failed: (detail) => log.event("collector_failed", { detail }, "warn"),
    recovered: () => log.event("collector_back", {}),
  });
}

function renewalServices(
  parts: Omit<RenewalServices, "carriedOut" | "failed">,
  log: Log,
  metrics: Metrics,
): RenewalServices {
  return {
    ...parts,
    carriedOut: ({ moved, refused, why }) => {
      metrics.count("renewals", moved);
      metrics.count("renewalsRefused", refused);
      log.event("renewal", { sessions: moved, refused, why: why ?? "" });
    },
    failed: (cause) => log.event("renewal_failed", { detail: messageOf(cause) }, "error"),
  };
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
        renewalGraceMs: webSocket.renewalGraceMs ?? 0,
        closes: webSocket.closes,
        ...(webSocket.survives === undefined ? {} : { survives: webSocket.survives }),
      },
      splice: Object.freeze({ ...webSocket, backpressure: new Backpressure() }),
      clientIp: program.clientIp?.get(route.environment) ?? null,
    });
  }
  return deployed;
}

function openLog({ logLines }: GatewayProgram, limits: Limits, { clock, env, output }: GatewayHost): Log {
  return new Log({ output, clock, limits, level: logLevel(env["APIGW_LOG_LEVEL"]), lines: logLines });
}

function openMetrics({ compiler, hash, proxies }: GatewayProgram, { clock, node }: GatewayHost): Metrics {
  return new Metrics({ version: compiler, build: hash, node }, clock, proxies);
}

const logLevels = ["debug", "info", "warn", "error", "off"] as const;

/** Throws a TypeError for what is no level, which stops the start. */
function logLevel(text: string | undefined): (typeof logLevels)[number] {
  if (text === undefined || text === "") return "info";
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw new TypeError(`APIGW_LOG_LEVEL must be one of ${logLevels.join(", ")}`);
  return level;
}
