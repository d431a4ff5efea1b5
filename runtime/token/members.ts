/** Members that policies add to a token's header or claims, from texts to values of their types. */
import type { ClaimValue } from "./claims.ts";
import { typedValue } from "./typed-value.ts";

/** Members of a header that policies add, and the kid; a kid that is absent or without value is left out. */
export interface MadeHeader {
  readonly kid?: string | null;
  readonly headers?: readonly ClaimValue[];
}

/** A JSON object under way. */
export type Members = Record<string, unknown>;

/** An object whose members may have any name. */
export function noMembers(): Members {
  const members: Members = Object.create(null);
  return members;
}

/** Adds members; those without a value are left out. Null when all are of their type, else a problem. */
export function addMembers(to: Members, added: readonly ClaimValue[]): "GenerationFailed" | null {
  for (const member of added) {
    if (member.value === null) continue;
    const value = typedValue(member);
    if (value === undefined) return "GenerationFailed";
    to[member.name] = value;
  }
  return null;
}
