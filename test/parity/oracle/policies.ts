/** What each policy does, step by step (apigee-policies section 3). */
import type { ProgramPolicy } from "#compiler/ir/program.ts";
import type { AccessControlModel } from "#compiler/policies/access-control.ts";
import type { AssignMessageModel } from "#compiler/policies/assign-message.ts";
import type { PolicyModel } from "#compiler/ir/model.ts";
import type { FlowCalloutModel } from "#compiler/policies/flow-callout.ts";
import type { RaiseFaultModel } from "#compiler/policies/raise-fault.ts";
import type { SpikeArrestModel } from "#compiler/policies/spike-arrest.ts";
import type { VerifyApiKeyModel } from "#compiler/policies/verify-api-key.ts";
import type { Value } from "../outcome.ts";
import { expiryOf, identitiesOf, verifyKey } from "./access.ts";
import { runActions } from "./actions.ts";
import { bitsOf, inRange } from "./address.ts";
import { expand } from "./template.ts";
import { faultJson, raised } from "./faults.ts";
import { Headers } from "./message.ts";
import { giveContent, Raised, type OracleResponse, type Passed, type Transaction, type OracleRequest } from "./transaction.ts";
import { read, madeType, refuseSwitched } from "./variables.ts";

/** A session takes so many credentials and no more. */
const CREDENTIALS_MAX = 8;

type Kinds = {
  AccessControl: AccessControlModel;
  AssignMessage: AssignMessageModel;
  FlowCallout: FlowCalloutModel;
  RaiseFault: RaiseFaultModel;
  SpikeArrest: SpikeArrestModel;
  VerifyAPIKey: VerifyApiKeyModel;
};

/** Narrows a policy's model by its kind. */
export function isKind<K extends keyof Kinds>(model: PolicyModel, kind: K): model is Kinds[K] {
  return model.kind === kind;
}

/** Runs a policy; what a FlowCallout does, its steps do. */
export function runPolicy(t: Transaction, policy: ProgramPolicy): void {
  const { model, name } = policy;
  if (isKind(model, "AssignMessage")) {
    const message = assignedTo(t, name, model);
    return runActions(t, model.actions, { message, policy: name, isStrict: model.ignoreUnresolvedVariables !== true });
  }
  if (isKind(model, "RaiseFault")) return raiseFault(t, name, model);
  if (isKind(model, "SpikeArrest")) return spikeArrest(t, policy, model);
  if (isKind(model, "AccessControl")) return accessControl(t, name, model);
  if (isKind(model, "VerifyAPIKey")) return verifyApiKey(t, name, model);
  throw new Error(`the oracle knows no ${model.kind}`);
}

/** The message that an AssignMessage changes: the flow's own, or one of its own name. */
function assignedTo(t: Transaction, policy: string, { assignTo }: AssignMessageModel): OracleRequest | OracleResponse {
  const own = t.phase === "request" ? t.request : t.response;
  if (own === null) throw new Error("response flows have a response");
  if (assignTo?.name === undefined || madeType(t, assignTo.name) === null) {
    if (assignTo?.createNew === true) renew(t, own, policy);
    return own;
  }
  const { name, createNew, type } = assignTo;
  const found = t.messages.get(name);
  if (createNew === false && found === undefined) throw raised("steps.assignmessage.VariableOfNonMsgType", policy, policy);
  if (found !== undefined && createNew !== true) return found;
  const headers = new Headers([]);
  const made: OracleRequest | OracleResponse = type === "response"
    ? { status: 200, reason: "", headers, content: "", isTargets: false }
    : { verb: "GET", path: "/", query: null, headers, version: "1.1", content: "" };
  t.messages.set(name, made);
  return made;
}

/** Nothing stays of the flow's own message but how its connection frames it. */
function renew(t: Transaction, own: OracleRequest | OracleResponse, policy: string): void {
  if (own === t.response) refuseSwitched(t, policy);
  const framing = /^(connection|content-length|host|transfer-encoding|upgrade|sec-websocket-.*)$/;
  for (const name of own.headers.names()) if (!framing.test(name)) own.headers.remove(name);
  giveContent(own, "");
  if ("verb" in own) Object.assign(own, { verb: "GET", query: null });
  else Object.assign(own, { status: 200, reason: "" });
}

/** What a call gives its shared flow; nothing for other policies. All are read before any is set. */
export function parametersFor(t: Transaction, { model }: ProgramPolicy): (readonly [string, Value])[] {
  if (!isKind(model, "FlowCallout")) return [];
  return (model.parameters ?? []).map(({ name, value = "", ref }) => [name, ref === undefined ? expand(t, value, null) : read(t, ref)]);
}

function raiseFault(t: Transaction, name: string, model: RaiseFaultModel): never {
  const answer: OracleResponse = { status: 500, reason: "", headers: new Headers([]), content: null, isTargets: false };
  runActions(t, model.actions ?? [], { message: answer, policy: name,
    isStrict: model.ignoreUnresolvedVariables === false });
  const code = "steps.raisefault.RaiseFault";
  const text = model.shortFaultReason === true ? "Raising fault" : `Raising fault. Fault name : ${name}`;
  if (answer.status === 204 || answer.status === 304) answer.content ??= "";
  else if (answer.content === null) {
    answer.content = faultJson(text, code);
    answer.headers.set("Content-Type", "application/json");
  }
  throw new Raised(code, answer.status, text, name, answer);
}

function spikeArrest(t: Transaction, policy: ProgramPolicy, model: SpikeArrestModel): void {
  const { name } = policy;
  const { rate, identifier, messageWeight, useEffectiveCount = false } = model;
  const text = typeof rate === "string" ? rate : String(read(t, rate.ref) ?? rate.value ?? "");
  const [, calls, unit] = /^\s*([1-9]\d{0,8})(ps|pm)\s*$/.exec(text) ?? [];
  if (calls === undefined) {
    const detail = `${typeof rate === "string" ? "" : rate.ref} in SpikeArrest policy ${name}`;
    throw raised("policies.ratelimit.FailedToResolveSpikeArrestRate", detail, name);
  }
  const given = messageWeight === undefined ? 1 : read(t, messageWeight.ref);
  const weight = given === null ? Number.NaN : Number(given);
  if (!Number.isInteger(weight) || weight < 1) {
    throw raised("policies.ratelimit.InvalidMessageWeight", String(given ?? ""), name);
  }
  const who = identifier === undefined ? "" : String(read(t, identifier.ref) ?? "");
  const key = JSON.stringify([t.place.environment, t.place.proxy.name, policy.id, who]);
  const passed = t.world.passed.get(key) ?? [];
  t.world.passed.set(key, passed);
  const periodMs = unit === "ps" ? 1_000 : 60_000;
  const limit = Number(calls);
  const nowMs = t.world.monotonicMs;
  const used = useEffectiveCount ? usedInWindow(passed, periodMs, nowMs) : isBusy(passed, nowMs) ? 1 : 0;
  const allowed = useEffectiveCount ? limit : 1;
  const passes = useEffectiveCount ? used + weight <= allowed : used === 0;
  const available = Math.max(0, Math.floor(allowed - used - (passes ? weight : 0)));
  t.rates.set(name, { allowed, available, exceeded: passes ? 0 : 1 });
  if (!passes) throw raised("policies.ratelimit.SpikeArrestViolation", text, name);
  passed.push({ atMs: nowMs, weight, untilMs: nowMs + (weight * periodMs) / limit });
}

/** Smoothing: the last call that passed holds the slots that it took, by the rate of its own time. */
function isBusy(passed: Passed, nowMs: number): boolean {
  const last = passed.at(-1);
  return last !== undefined && nowMs < last.untilMs;
}

/** Weights of this fixed window, and of the last one by the share that still counts (docs/differences.md). */
function usedInWindow(passed: Passed, periodMs: number, nowMs: number): number {
  const window = Math.floor(nowMs / periodMs);
  const of = (which: number): number =>
    passed.filter(({ atMs }) => Math.floor(atMs / periodMs) === which).reduce((sum, { weight }) => sum + weight, 0);
  return of(window) + of(window - 1) * (1 - (nowMs % periodMs) / periodMs);
}

function accessControl(t: Transaction, name: string, model: AccessControlModel): void {
  const { ipRules, clientIPVariable } = model;
  if (ipRules === undefined) return;
  let address = t.clientAddress;
  if (clientIPVariable !== undefined) {
    const given = read(t, clientIPVariable);
    if (given === null || bitsOf(String(given)) === null) {
      throw raised("accesscontrol.InvalidIPAddressInVariable", clientIPVariable, name);
    }
    address = String(given);
  }
  const action = bitsOf(address) === null ? "DENY" : actionFor(t, name, ipRules, address);
  if (action === "DENY") {
    throw raised("accesscontrol.IPDeniedAccess", address.replace(/[^0-9A-Fa-f.:]/g, "?").slice(0, 45), name);
  }
}

function actionFor(
  t: Transaction,
  name: string,
  ipRules: NonNullable<AccessControlModel["ipRules"]>,
  address: string,
): "ALLOW" | "DENY" {
  // The addresses of a rule are put in before any of them is compared.
  const rules = (ipRules.matchRules ?? []).map(({ action, sourceAddresses }) => ({
    action,
    ranges: sourceAddresses.map(({ mask, value }) => ({
      value: expand(t, value, null),
      mask: typeof mask === "number" ? mask : expand(t, mask, null),
    })),
  }));
  for (const { action, ranges } of rules) {
    for (const { value, mask } of ranges) {
      const found = inRange(address, value.trim(), mask === "" ? Number.NaN : Number(mask));
      if (found === null) throw raised("accesscontrol.InvalidRulePattern", `${value}/${mask}`, name);
      if (found) return action;
    }
  }
  return ipRules.noRuleMatchAction;
}

function verifyApiKey(t: Transaction, name: string, model: VerifyApiKeyModel): void {
  const { ref } = model.apiKey;
  const presented = read(t, ref);
  if (presented === null || presented === "") throw raised("steps.oauth.v2.FailedToResolveAPIKey", ref, name);
  const { proxy, environment, pathSuffix } = t.place;
  const call = { proxy: proxy.name, environment, pathSuffix, verb: t.request.verb };
  const grant = verifyKey(t.world.program, String(presented), call, t.world.wallMs);
  if (typeof grant === "string") throw raised(grant, "", name);
  t.access = grant;
  if (t.upgrade) {
    if (t.admitted.length >= CREDENTIALS_MAX) throw raised("gateway.Overload", "", name);
    t.admitted.push({ policy: name, identities: identitiesOf(grant), expiresAtMs: expiryOf(grant) });
  }
  t.grants.set(name, grant);
}
