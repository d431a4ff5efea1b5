/**
 * Proves encrypted JWTs (RFC 7516 in compact form, RFC 7519 section 5.2): claims in a JWE, or a signed token in one.
 * Grammar, both algorithms, key and cost are settled before jose decrypts. Nothing is ever decompressed.
 */
import { Buffer, isUtf8 } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { JOSEError } from "jose/errors";
import { compactDecrypt } from "jose/jwe/compact/decrypt";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { isObject, member, parseJwe, parseObject, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";
import { readEncryptionKey } from "./encryption.ts";
import type { EncryptionKeyProblem, EncryptionRules } from "./encryption.ts";
import { criticalNames, headerProblem } from "./header.ts";
import type { HeaderRules } from "./header.ts";
import type { JwtRules, signedTokens } from "./jwt.ts";
import type { KeyText } from "./private-key.ts";
import { importPublicJwk } from "./public-jwk.ts";
import type { JwtProblem, JwtProver, ProvenJwt } from "./verified-jwts.ts";

/** What a policy says about the encrypted tokens it takes. */
export interface EncryptedJwtRules extends Omit<HeaderRules, "algorithms"> {
  /** Name of the policy, and what tells it from others of its proxy. */
  readonly name: string;
  readonly id: string;
  readonly encryption: EncryptionRules;
  /** The token within, when it is a signed one. */
  readonly nested: null | { readonly rules: JwtRules; readonly open: typeof signedTokens };
}

/** What was read at start: the key to decrypt with, and that of the token within (null: there is none). */
export interface EncryptedJwtKeys extends KeyText {
  readonly nested: string | null;
}

/** The prover of a policy's encrypted tokens. */
export function encryptedTokens(x: Exchange, rules: EncryptedJwtRules, keys: EncryptedJwtKeys): JwtProver {
  const key = readEncryptionKey(rules.encryption, keys, null, 0);
  const { nested } = rules;
  const within = nested === null || keys.nested === null ? null : nested.open(x, nested.rules, keys.nested);
  return {
    prove: (asker, token) => (typeof key === "string" ? key : prove(asker, rules, { key, within }, token)),
    holds: (proven) => within === null || within.holds(proven),
  };
}

function prove(
  x: Exchange,
  rules: EncryptedJwtRules,
  { key, within }: { readonly key: KeyObject; readonly within: JwtProver | null },
  token: string,
): Maybe<ProvenJwt | JwtProblem | EncryptionKeyProblem> {
  const parsed = parseJwe(token, x.gateway.limits.jwtCharsMax);
  if (parsed === null) return "FailedToDecode";
  const { header, headerJson } = parsed;
  const problem = jweProblem(header, rules, key);
  if (problem !== null) return problem;
  return andThen(decrypted(rules, key, token, header), (text) => {
    if (text === null) return "InvalidToken";
    if (within !== null) return within.prove(x, text);
    const claims = parseObject(text);
    if (claims === null) return "InvalidJsonFormat";
    const { management: algorithm } = rules.encryption;
    const found = { header, headerJson, claims, claimsJson: text };
    return { token: found, algorithm, kid: textMember(header, "kid"), key };
  });
}

/** What is wrong with a header before anything is decrypted; null: nothing. */
function jweProblem(header: JsonObject, rules: EncryptedJwtRules, key: KeyObject): JwtProblem | null {
  const { management, content, iterations } = rules.encryption;
  const [alg, enc] = [textMember(header, "alg"), textMember(header, "enc")];
  if (alg === null || alg === "" || enc === null || enc === "") return "NoAlgorithmFoundInHeader";
  if (alg !== management || enc !== content) return "AlgorithmInTokenNotPresentInConfiguration";
  // A small text that grows without end when it is decompressed is not worth what it saves.
  if (member(header, "zip") !== undefined) return "InvalidToken";
  const rounds = member(header, "p2c");
  if (management.startsWith("PBES2") && !(typeof rounds === "number" && rounds <= iterations)) return "InvalidToken";
  if (management.startsWith("ECDH") && !isOnCurveOf(key, member(header, "epk"))) return "InvalidToken";
  // RFC 7519 section 5.2: a token within a token is announced, and nothing else is.
  const isNested = textMember(header, "cty")?.toUpperCase() === "JWT";
  if (isNested !== (rules.nested !== null)) return "InvalidToken";
  return headerProblem(header, rules);
}

/** True for a point on the curve of the policy's own key. */
function isOnCurveOf(key: KeyObject, point: unknown): boolean {
  const theirs = isObject(point) ? importPublicJwk(point) : null;
  if (theirs === null || theirs.asymmetricKeyType !== key.asymmetricKeyType) return false;
  return theirs.asymmetricKeyDetails?.namedCurve === key.asymmetricKeyDetails?.namedCurve;
}

/** The text within, null when the token was not made for this key or was changed. */
async function decrypted(
  { encryption: { management, content, iterations } }: EncryptedJwtRules,
  key: KeyObject,
  token: string,
  header: JsonObject,
): Promise<string | null> {
  try {
    const { plaintext } = await compactDecrypt(token, key, {
      keyManagementAlgorithms: [management],
      contentEncryptionAlgorithms: [content],
      maxPBES2Count: iterations,
      maxDecompressedLength: 0,
      crit: criticalNames(header),
    });
    return isUtf8(plaintext) ? Buffer.from(plaintext).toString("utf8") : null;
  } catch (cause) {
    // WebCrypto's own refusals; what is neither is a defect of ours and stays one.
    if (cause instanceof JOSEError || cause instanceof DOMException) return null;
    throw cause;
  }
}
