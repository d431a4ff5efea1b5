/**
 * The strict grammar of a JWT in compact form (RFC 7515 section 7.1, RFC 7519): three canonical base64url parts, two
 * JSON objects without repeated members. It checks no signature and no claim, and repairs nothing.
 */
import { Buffer, isUtf8 } from "node:buffer";

/** A JSON object read from a token. Its member names are the sender's: read them with `member`. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A token taken apart, nothing of it proven. */
export interface CompactToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** The texts that were parsed. */
  readonly headerJson: string;
  readonly claimsJson: string;
}

/** A signature over any payload taken apart, nothing of it proven. */
export interface CompactJws {
  readonly header: JsonObject;
  readonly headerJson: string;
  /** Empty when the payload is beside the signature. */
  readonly payload: Buffer;
  /** Header, payload and signature as they were written. */
  readonly parts: readonly [string, string, string];
}

/** The header of an encrypted token, nothing of it proven. */
export interface CompactJwe {
  readonly header: JsonObject;
  readonly headerJson: string;
}

const PARTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/;
const JWS_PARTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)$/;
/** The second part, the encrypted key, may be empty. */
const JWE_PARTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
/** The last characters that leave no stray bits behind, by how many characters the part has over a multiple of 4. */
const LAST_OF_TWO = "AQgw";
const LAST_OF_THREE = "AEIMQUYcgkosw048";

/** Takes a token apart; null when it is none. `charsMax` bounds it before anything is read. */
export function parseCompact(text: string, charsMax: number): CompactToken | null {
  if (text.length > charsMax) return null;
  const parts = PARTS.exec(text);
  const [, headerPart, claimsPart, signaturePart] = parts ?? [];
  if (headerPart === undefined || claimsPart === undefined || signaturePart === undefined) return null;
  if (!isCanonical(headerPart) || !isCanonical(claimsPart) || !isCanonical(signaturePart)) return null;
  const headerJson = decodePart(headerPart);
  const claimsJson = decodePart(claimsPart);
  if (headerJson === null || claimsJson === null) return null;
  const header = parseObject(headerJson);
  const claims = parseObject(claimsJson);
  return header === null || claims === null ? null : { header, claims, headerJson, claimsJson };
}

/** Takes a signature apart whose payload may be anything, or be left out; null when it is none. */
export function parseJws(text: string, charsMax: number): CompactJws | null {
  if (text.length > charsMax) return null;
  const [, headerPart, payloadPart, signaturePart] = JWS_PARTS.exec(text) ?? [];
  if (headerPart === undefined || payloadPart === undefined || signaturePart === undefined) return null;
  if (!isCanonical(headerPart) || !isCanonical(payloadPart) || !isCanonical(signaturePart)) return null;
  const headerJson = decodePart(headerPart);
  const header = headerJson === null ? null : parseObject(headerJson);
  if (headerJson === null || header === null) return null;
  const payload = Buffer.from(payloadPart, "base64url");
  return { header, headerJson, payload, parts: [headerPart, payloadPart, signaturePart] };
}

/** Reads the header of an encrypted token (RFC 7516 section 7.1); null when the text is none. */
export function parseJwe(text: string, charsMax: number): CompactJwe | null {
  if (text.length > charsMax) return null;
  const [, ...parts] = JWE_PARTS.exec(text) ?? [];
  const [headerPart] = parts;
  if (headerPart === undefined || !parts.every(isCanonical)) return null;
  const headerJson = decodePart(headerPart);
  const header = headerJson === null ? null : parseObject(headerJson);
  return headerJson === null || header === null ? null : { header, headerJson };
}

/** A member of an object, undefined when the object itself does not have it (`__proto__`, `constructor`). */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A member that is text, null when it is absent or something else. */
export function textMember(object: JsonObject, name: string): string | null {
  const value = member(object, name);
  return typeof value === "string" ? value : null;
}

/**
 * A JSON object, null for anything else and for one that names a member twice (which of them counts would be a
 * guess).
 */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && !repeatsMember(text) ? value : null;
  } catch {
    return null;
  }
}

/** True for a JSON object that is no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCanonical(part: string): boolean {
  const last = part.slice(-1);
  switch (part.length % 4) {
    case 0:
      return true;
    case 2:
      return LAST_OF_TWO.includes(last);
    case 3:
      return LAST_OF_THREE.includes(last);
    default:
      return false;
  }
}

function decodePart(part: string): string | null {
  const bytes = Buffer.from(part, "base64url");
  return isUtf8(bytes) ? bytes.toString("utf8") : null;
}

/** For text that JSON.parse has taken as an object: true when its outermost object names a member twice. */
function repeatsMember(text: string): boolean {
  const names = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === "{" || sign === "[") depth++;
    else if (sign === "}" || sign === "]") depth--;
    else if (sign === '"') {
      const end = stringEnd(text, at);
      if (depth === 1 && isName(text, end)) {
        const name = String(JSON.parse(text.slice(at, end)));
        if (names.has(name)) return true;
        names.add(name);
      }
      at = end - 1;
    }
  }
  return false;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** True when a colon follows: the string before it is a member's name. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\n" || text[at] === "\r") at++;
  return text[at] === ":";
}
