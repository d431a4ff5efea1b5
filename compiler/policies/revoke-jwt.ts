/** RevokeJWT at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { milliseconds } from "./parts/jwt-rules.ts";
import { frozen, readsValue, textCode } from "./parts/values.ts";

/** Names of a token; the schema demands exactly one. */
const NAMES = ["jti", "kid", "sid", "subject"] as const;

export interface RevokeJwtModel extends PolicyModel, Partial<Readonly<Record<(typeof NAMES)[number], RefOr<string>>>> {
  readonly kind: "RevokeJWT";
  readonly issuer: RefOr<string>;
  readonly rememberFor?: string;
}

export const revokeJwt = {
  kind: "RevokeJWT",
  basename: "revoke-jwt",
  phases: ["request", "response", "fault"],
  failedPrefix: "jwt",
  variablePrefixes: [],
  timing: () => "maybe",
  changes: () => [],
  analyze(step) {
    for (const name of ["issuer", ...NAMES] as const) readsValue(step, step.model[name], [name]);
  },
  emit(e) {
    const { model } = e;
    const by = NAMES.find((name) => model[name] !== undefined) ?? "jti";
    const named = model[by];
    if (named === undefined) throw new TypeError("invariant: the schema demands a name");
    const rememberMs = model.rememberFor === undefined ? null : milliseconds(model.rememberFor);
    const config = e.constant("revokeJwt", frozen(literal({ name: e.name, by, rememberMs })));
    e.wait(code`${e.symbol("revokeJwt")}(${e.x}, ${config}, ${textCode(e, model.issuer)}, ${textCode(e, named)})`);
  },
} satisfies PolicyDefinition<RevokeJwtModel>;
