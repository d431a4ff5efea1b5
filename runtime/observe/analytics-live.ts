/**
 * What the analytics file knows of a session that is open, so that a gateway that is killed leaves no session without
 * its row: a note, a while after the 101, from which whoever starts next makes the row. It owns the note's form.
 */
import { closeReasons } from "../upgrade/close-reason.ts";
import type { Session } from "../upgrade/session.ts";
import type { HandshakeMark } from "./analytics-exchange.ts";
import type { AnalyticsRow, Captured } from "./analytics-row.ts";

/** What a note asks of a session that is open. */
type Asked = "ageMs" | "clientAddress" | "id" | "labels" | "route" | "startedAtMs" | "target";
export type LiveSession = Pick<Session, Asked>;

/** How a session ended that its gateway did not live to see: without a close frame (RFC 6455 section 7.4.1). */
const KILLED = { closed_by: "gateway", close_code: 1006, is_error: 1 } as const;

/** Times of a handshake in microseconds, captured values last. */
type Note = readonly [
  id: string, environment: string, proxy: string, endpoint: string, basePath: string, target: string | null,
  path: string, developer: string | null, app: string | null, product: string | null, address: string,
  userAgent: string | null,
  startedAtMs: number, requestUs: number, targetUs: number, responseUs: number, captured: Captured | null,
];
const NOTE_LENGTH = 17;

/** The note of a session. */
export function noteOf(session: LiveSession, mark: HandshakeMark): string {
  const { environment, proxy, endpoint } = session.route;
  const { developer, app, product } = session.labels();
  const { basePath, path, userAgent, requestUs, targetUs, responseUs } = mark;
  const note: Note = [
    session.id, environment, proxy, endpoint, basePath, session.target, path, developer, app, product,
    session.clientAddress, userAgent, Math.round(session.startedAtMs), requestUs, targetUs, responseUs,
    mark.captured ?? null,
  ];
  return JSON.stringify(note);
}

/** The row of a session whose gateway was last heard of at `endMs`; null for a note that is none. */
export function killedRow(text: string, endMs: number): AnalyticsRow | null {
  const note = parsed(text);
  if (note === null) return null;
  const [
    id, environment, apiproxy, endpoint, basePath, target, path, developer, app, product, address, userAgent,
    startedAtMs, requestUs, targetUs, responseUs, captured,
  ] = note;
  const handshakeMs = (requestUs + targetUs + responseUs) / 1_000;
  return {
    message_type: "websocket",
    gateway_flow_id: id,
    environment,
    apiproxy,
    proxy_endpoint: endpoint,
    proxy_basepath: basePath,
    target: target ?? undefined,
    request_verb: "GET",
    request_path: path,
    response_status_code: 101,
    target_response_code: 101,
    ...KILLED,
    close_reason: closeReasons.gatewayKilled.label,
    developer: developer ?? undefined,
    developer_app: app ?? undefined,
    api_product: product ?? undefined,
    client_ip: address,
    useragent: userAgent ?? undefined,
    client_received_start_timestamp: startedAtMs,
    client_sent_end_timestamp: Math.max(endMs, startedAtMs),
    policy_error: 0,
    target_error: 0,
    total_response_time: handshakeMs,
    request_processing_latency: requestUs / 1_000,
    target_response_time: targetUs / 1_000,
    response_processing_latency: responseUs / 1_000,
    request_size: 0,
    response_size: 0,
    session_duration: Math.max(0, endMs - startedAtMs - handshakeMs),
    captured: captured ?? undefined,
  };
}

/** The file is our own: what has not this length was written by another version. */
function parsed(text: string): Note | null {
  try {
    const note: unknown = JSON.parse(text);
    return isNote(note) ? note : null;
  } catch {
    return null;
  }
}

function isNote(value: unknown): value is Note {
  return Array.isArray(value) && value.length === NOTE_LENGTH;
}
