/**
 * Encrypts what policies generate, in compact form (RFC 7516 section 7.1). Both algorithms are fixed when the bundle is
 * compiled and bound to the kind of key. It decides no content, compresses nothing, and keys are read once.
 */
import type { KeyObject } from "node:crypto";
import { JOSEError } from "jose/errors";
import { CompactEncrypt } from "jose/jwe/compact/encrypt";
import type { Exchange } from "../context.ts";
import { readEncryptionKey } from "./encryption.ts";
import type { EncryptionKeyProblem, EncryptionRules } from "./encryption.ts";
import { addMembers, noMembers } from "./members.ts";
import type { MadeHeader } from "./members.ts";
import type { KeyText } from "./private-key.ts";
import type { remoteRecipient } from "./remote-recipients.ts";

/** What a policy encrypts with. */
export interface EncryptingRules extends EncryptionRules {
  /** Bytes of the random salt of a password's derivation. */
  readonly saltBytes: number;
  /** Finds the key where its set is fetched; the key's text is the URL then. */
  readonly findKey?: typeof remoteRecipient;
}

/** Why nothing was encrypted. Names are those of the `steps.jwt` faults. */
export type EncryptingProblem = EncryptionKeyProblem | "EncryptionFailed" | "GenerationFailed" | "KeySetUnavailable";

/** What tells a policy, and what it says of its tokens. */
export interface Encrypting {
  readonly id: string;
  readonly encryption: EncryptingRules;
  /** Headers that receivers must understand; each is among the additional ones. */
  readonly critical: readonly string[];
}

/** Encrypts a payload's bytes. `isNested`: they are a token themselves (RFC 7519 section 5.2). */
export async function encryptCompact(
  x: Exchange,
  { id, encryption, critical }: Encrypting,
  key: KeyText,
  { kid = null, headers = [] }: MadeHeader,
  { payload, isNested }: { readonly payload: Uint8Array; readonly isNested: boolean },
): Promise<{ readonly token: string } | EncryptingProblem> {
  const found = encryption.findKey?.(x.gateway, encryption, key.text, kid);
  const encrypter = found === undefined ? encrypterOf(x, { id, encryption }, key, kid) : await found;
  if (typeof encrypter === "string") return encrypter;
  const header = noMembers();
  header["typ"] = "JWT";
  if (isNested) header["cty"] = "JWT";
  if (kid !== null) header["kid"] = kid;
  const problem = addMembers(header, headers);
  if (problem !== null) return problem;
  const present = critical.filter((name) => header[name] !== undefined);
  if (present.length > 0) header["crit"] = present;
  const crit = Object.fromEntries(present.map((name) => [name, true]));
  const { management, content, iterations, saltBytes } = encryption;
  const encrypting = new CompactEncrypt(payload).setProtectedHeader({ ...header, alg: management, enc: content });
  if (management.startsWith("PBES2")) {
    encrypting.setKeyManagementParameters({ p2c: iterations, p2s: x.gateway.clock.randomBytes(saltBytes) });
  }
  try {
    return { token: await encrypting.encrypt(encrypter, { crit }) };
  } catch (cause) {
    if (cause instanceof JOSEError) return "EncryptionFailed";
    throw cause;
  }
}

/** What a policy keeps while the gateway runs. */
interface State {
  readonly kind: "encrypter";
  readonly kid: string | null;
  readonly key: KeyObject | EncryptionKeyProblem;
}

/** The key, read once; again when the kid of a set comes from a variable and is another. */
function encrypterOf(
  x: Exchange,
  { id, encryption }: Pick<Encrypting, "id" | "encryption">,
  key: KeyText,
  kid: string | null,
): KeyObject | EncryptionKeyProblem {
  const { counters, limits } = x.gateway;
  const at = `encrypter ${x.program.environment} ${x.program.proxy} ${id}`;
  const present = counters.get(at);
  if (isState(present) && present.kid === kid) return present.key;
  const state: State = { kind: "encrypter", kid, key: readEncryptionKey(encryption, key, kid, limits.jwksKeysMax) };
  counters.set(at, state);
  return state.key;
}

function isState(value: unknown): value is State {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "encrypter" && "key" in value;
}
