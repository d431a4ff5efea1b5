/** The state of one request under the oracle, and of the world that outlives it. Plain fields; decides nothing. */
import type { Program, ProgramEndpoint, ProgramProxy, ProgramTarget } from "#compiler/ir/program.ts";
import type { Admitted, Value } from "../outcome.ts";
import type { Grant } from "./access.ts";
import type { Headers } from "./message.ts";
import type { Operators } from "./operators.ts";

export interface OracleRequest {
  verb: string;
  path: string;
  query: string | null;
  readonly headers: Headers;
  version: string;
  content: string;
}

export interface OracleResponse {
  status: number;
  reason: string;
  headers: Headers;
  /** Null: the target's own body, or none. */
  content: string | null;
  /** The body is the one that the target sends. */
  isTargets: boolean;
}

/** The server-sent event that flows see. */
export interface OracleEvent {
  content: string;
  readonly count: number;
}

/** Another status takes the old one's phrase away. */
export function giveStatus(response: OracleResponse, status: number): void {
  if (response.status !== status) response.reason = "";
  response.status = status;
}

/** A body takes the place of the one before. */
export function giveContent(message: OracleRequest | OracleResponse, content: string): void {
  message.content = content;
  if (!("verb" in message)) message.isTargets = false;
}

/** What ends a flow. Thrown. */
export class Raised {
  readonly code: string;
  readonly status: number;
  readonly text: string;
  readonly policy: string | null;
  readonly response: OracleResponse | null;

  constructor(code: string, status: number, text: string, policy: string | null,
    response: OracleResponse | null = null) {
    this.code = code;
    this.status = status;
    this.text = text;
    this.policy = policy;
    this.response = response;
  }
}

/** Variables of SpikeArrest after a policy ran. */
export interface RateResult {
  readonly allowed: number;
  readonly available: number;
  readonly exceeded: number;
}

/** A counter of SpikeArrest: every call that it let through. */
export type Passed = { readonly atMs: number; readonly weight: number; readonly untilMs: number }[];

/** What outlives a request. */
export class World {
  readonly program: Program;
  readonly operators: Operators;
  monotonicMs: number;
  wallMs: number;
  readonly passed = new Map<string, Passed>();
  /** How often each target was asked. */
  readonly turns = new Map<string, number>();

  constructor(program: Program, operators: Operators, monotonicMs: number, wallMs: number) {
    this.program = program;
    this.operators = operators;
    this.monotonicMs = monotonicMs;
    this.wallMs = wallMs;
  }
}

/** Where a request was routed to. */
export interface Place {
  readonly environment: string;
  readonly proxy: ProgramProxy;
  readonly endpoint: ProgramEndpoint;
  readonly pathSuffix: string;
}

/** One request. */
export class Transaction {
  readonly world: World;
  readonly place: Place;
  readonly host: string;
  readonly inboundUri: string;
  readonly upgrade: boolean;
  readonly clientAddress: string;
  readonly request: OracleRequest;
  response: OracleResponse | null = null;
  phase: "request" | "response" | "fault" = "request";
  inTarget = false;
  event: OracleEvent | null = null;
  fault: Raised | null = null;
  readonly failed = new Set<string>();
  /** Messages that policies made, by name. */
  readonly messages = new Map<string, OracleRequest | OracleResponse>();
  readonly custom = new Map<string, Value>();
  readonly rates = new Map<string, RateResult>();
  readonly grants = new Map<string, Grant>();
  access: Grant | null = null;
  readonly admitted: Admitted[] = [];
  flow = "";
  route: string | null = null;
  target: ProgramTarget | null = null;
  targetUrl: Value = null;
  copyPathSuffix: Value = true;
  copyQueryParams: Value = true;
  targetHost: Value = null;
  /** How the target is asked; null before its address is known. */
  scheme: "http" | "https" | null = null;

  constructor(
    world: World,
    place: Place,
    start: { host: string; upgrade: boolean; clientAddress: string; request: OracleRequest },
  ) {
    this.world = world;
    this.place = place;
    this.host = start.host;
    this.upgrade = start.upgrade;
    this.clientAddress = start.clientAddress;
    this.request = start.request;
    const { path, query } = start.request;
    this.inboundUri = query === null ? path : `${path}?${query}`;
  }
}
