/**
 * Where each number of the gateway lies: one typed array, in which every series has a fixed slot, and a plain one for
 * counters without labels. It counts nothing and writes nothing.
 */
import { closeReasons, type CloseReasonId } from "../upgrade/close-reason.ts";
import type { Labels } from "./metric-text.ts";

/** Where something is counted; a program, a session's route and a record all have these. Null: no proxy was found. */
export interface MetricPlace {
  readonly environment: string;
  readonly proxy: string;
}

/** A deployed proxy with the names that label its series. */
export interface MetricProxy extends MetricPlace {
  readonly targets: readonly string[];
  readonly policies: readonly string[];
}

/** Counters without labels. */
export const counters = {
  earlyBytes: ["apigw_early_bytes_dropped_total", "Bytes that followed a refused upgrade request and were dropped."],
  connectionsRefused: ["apigw_connections_refused_total", "Client connections beyond limits.connectionsMax."],
  badRequests: ["apigw_bad_requests_total", "Requests that were no valid HTTP, too large or too slow."],
  proxyHeadersRefused: ["apigw_proxy_headers_refused_total", "Connections without a valid PROXY protocol header."],
  tlsFailures: ["apigw_tls_handshake_failures_total", "TLS handshakes with clients that failed or took too long."],
  tlsReloads: ["apigw_tls_reloads_total", "Certificates read again and put to use."],
  tlsReloadFailures: ["apigw_tls_reload_failures_total", "Certificates read again and not usable; the old stay."],
  adminUnauthorized: ["apigw_admin_unauthorized_total", "Admin requests without a valid secret or certificate."],
  adminChanges: ["apigw_admin_changes_total", "Changes made over the admin API."],
  fleetQuestions: ["apigw_fleet_questions_total", "Questions asked of all replicas."],
  fleetSilent: ["apigw_fleet_silent_total", "Replicas that did not answer such a question in time."],
  storeFailures: ["apigw_store_failures_total", "Commands that a distributed store did not carry out."],
  securityEvents: ["apigw_security_events_total", "Security events taken, replays included."],
  securityEventsUnknown: ["apigw_security_events_unknown_total", "Security events whose subject is not known here."],
  securityEventsRefused: ["apigw_security_events_refused_total", "Security events refused."],
  keySetFetches: ["apigw_key_set_fetches_total", "Key sets of issuers that were fetched."],
  keySetFetchFailures: ["apigw_key_set_fetch_failures_total", "Fetches of key sets that failed; the last stays."],
  spansExported: ["apigw_spans_exported_total", "Spans that a collector has taken."],
  spansDropped: ["apigw_spans_dropped_total", "Spans that no collector got: too many, or it was slow or gone."],
  introspections: ["apigw_introspections_total", "Tokens that an introspection server was asked about and answered."],
  introspectionFailures: ["apigw_introspection_failures_total", "Questions that it did not answer."],
  renewals: ["apigw_ws_renewals_total", "Sessions of this process that live on by another token."],
  renewalsRefused: ["apigw_ws_renewals_refused_total", "Sessions of this process that another token did not prolong."],
  renewalsUnmatched: ["apigw_ws_renewals_unmatched_total", "Renewals asked of this process that found no session."],
  syslogSent: ["apigw_syslog_messages_total", "Messages of MessageLogging that were handed to a syslog connection."],
  syslogDropped: ["apigw_syslog_dropped_total", "Messages that no syslog receiver got: it was gone, or too slow."],
  clockSteps: ["apigw_clock_steps_total", "Steps of the wall clock that were noticed."],
} as const;
/** Name of one of them. */
export type CounterId = keyof typeof counters;

/** In the order of their slots. */
export const counterIds = /* @__PURE__ */ Object.keys(counters) as CounterId[];

/** Values of labels, each in the order of its slots. */
export const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "other"] as const;
export const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
/** Results of handshakes: the statuses that the gateway's tables know, and `other`. */
export const results = [101, 400, 401, 403, 404, 405, 408, 414, 426, 429, 431, 499, 500, 502, 503, 504] as const;
/** Close codes that are told apart; those between 3000 and 4999 belong to applications, and any peer may send one. */
export const closeCodes = [
  "1000", "1001", "1002", "1003", "1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1013", "1014",
  "3000", "3003", "3008", "3xxx", "4xxx", "other",
] as const;
/** Why sessions ended. */
export const reasonIds = /* @__PURE__ */ Object.keys(closeReasons) as CloseReasonId[];
/** Upper bounds of buckets, in seconds. */
export const exchangeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
export const sessionBounds = [1, 10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400] as const;
/** Buckets, the one without bound, and the sum. */
export const EXCHANGE_SLOTS = exchangeBounds.length + 2;
const SESSION_SLOTS = sessionBounds.length + 2;

/** Offsets of one proxy's series from its base. */
export const REQUESTS = 0;
export const IN_FLIGHT = REQUESTS + methods.length * classes.length;
export const DURATION = IN_FLIGHT + 1;
export const HANDSHAKES = DURATION + EXCHANGE_SLOTS;
export const HANDSHAKE_TIME = HANDSHAKES + results.length + 1;
export const ACTIVE = HANDSHAKE_TIME + EXCHANGE_SLOTS;
export const OPENED = ACTIVE + 1;
export const CLOSED = OPENED + 1;
export const SESSION_TIME = CLOSED + reasonIds.length;
export const CODES = SESSION_TIME + SESSION_SLOTS;
export const BYTES_IN = CODES + closeCodes.length;
export const BYTES_OUT = BYTES_IN + 1;
export const PROXY_SLOTS = BYTES_OUT + 1;

/** The series of one proxy. */
export interface Slots {
  readonly index: number;
  readonly labels: Labels;
  readonly base: number;
  readonly targets: ReadonlyMap<string, number>;
  readonly policies: ReadonlyMap<string, number>;
  /** By target, what to call when a connection to it closes. */
  readonly closers: ReadonlyMap<string, () => void>;
}

/** The label under which a close code is counted. */
export function closeCodeLabel(code: number): (typeof closeCodes)[number] {
  const known = closeCodes.find((label) => label === String(code));
  if (known !== undefined) return known;
  if (code >= 3_000 && code <= 3_999) return "3xxx";
  return code >= 4_000 && code <= 4_999 ? "4xxx" : "other";
}
