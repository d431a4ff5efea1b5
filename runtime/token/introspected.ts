/**
 * The answer of an introspection endpoint (RFC 7662 section 2.2), read strictly: what is not JSON with a boolean
 * `active` is no answer. It asks nobody.
 */
import { jtiIdentity, subjectIdentity, tokenIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import type { Value } from "../context.ts";

/** A token that its server calls active. */
export interface IntrospectedToken {
  /** Members with simple values, and lists of text parted by spaces. */
  readonly fields: ReadonlyMap<string, Value>;
  readonly scopes: readonly string[];
  readonly audiences: readonly string[];
  readonly issuer: string | null;
  /** Wall clock; null: it does not say. */
  readonly expiresAtMs: number | null;
  /** Wall clock; 0: it does not say. */
  readonly issuedAtMs: number;
  readonly identities: readonly Identity[];
}

/** The token, `inactive`, or null for what is no answer. `tokenDigest` names it for revocations. */
export function introspected(text: string, tokenDigest: string, nowMs: number): IntrospectedToken | "inactive" | null {
  const answer = objectOf(text);
  const active = answer?.get("active");
  if (answer === null || typeof active !== "boolean") return null;
  if (!active) return "inactive";
  const [expiresAtMs, notBeforeMs, issuedAtMs] = ["exp", "nbf", "iat"].map((name) => instantMs(answer, name));
  if (expiresAtMs === undefined || notBeforeMs === undefined || issuedAtMs === undefined) return null;
  if (expiresAtMs !== null && nowMs >= expiresAtMs) return "inactive";
  if (notBeforeMs !== null && nowMs < notBeforeMs) return "inactive";
  const issuer = textOf(answer, "iss");
  const subject = textOf(answer, "sub");
  const id = textOf(answer, "jti");
  const identities = [tokenIdentity(tokenDigest)];
  if (issuer !== null && id !== null) identities.push(jtiIdentity(issuer, id));
  if (issuer !== null && subject !== null) identities.push(subjectIdentity(issuer, subject));
  return {
    fields: fieldsOf(answer),
    scopes: (textOf(answer, "scope") ?? "").split(" ").filter((scope) => scope !== ""),
    audiences: listOf(answer.get("aud")),
    issuer,
    expiresAtMs,
    issuedAtMs: issuedAtMs ?? 0,
    identities,
  };
}

function objectOf(text: string): ReadonlyMap<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return new Map(Object.entries(value));
  } catch {
    return null;
  }
}

/** Seconds since 1970 as milliseconds; null when it does not say, undefined when it is no instant. */
function instantMs(answer: ReadonlyMap<string, unknown>, name: string): number | null | undefined {
  const value = answer.get(name);
  if (value === undefined || value === null) return null;
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value * 1000 : undefined;
}

function textOf(answer: ReadonlyMap<string, unknown>, name: string): string | null {
  const value = answer.get(name);
  return typeof value === "string" && value !== "" ? value : null;
}

function listOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function fieldsOf(answer: ReadonlyMap<string, unknown>): ReadonlyMap<string, Value> {
  const fields = new Map<string, Value>();
  for (const [name, value] of answer) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") fields.set(name, value);
    else if (Array.isArray(value)) fields.set(name, listOf(value).join(" "));
  }
  return fields;
}
