/** The credentials of GetOAuthV2Info, SetOAuthV2Info and DeleteOAuthV2Info: the variable that holds one. */
import { literal, type Code } from "../../5-emit/code.ts";
import type { PolicyModel } from "../../ir/model.ts";
import type { PolicyAnalysis, PolicyEmit } from "../definition.ts";
import { frozen } from "./values.ts";

/** `{ ref: variable }`; an empty map means the default. */
export interface StoredSource {
  readonly ref?: string;
}

const BY_DEFAULT = "request.formparam.access_token";

/** Notes the variable that is read. */
export function readsSource<M extends PolicyModel>(step: PolicyAnalysis<M>, { ref }: StoredSource, key: string): void {
  step.reads(ref ?? BY_DEFAULT, ref === undefined ? [] : [key, "ref"]);
}

/** An expression for the credential. */
export function sourceCode<M extends PolicyModel>(e: PolicyEmit<M>, { ref }: StoredSource): Code {
  return e.variable(ref ?? BY_DEFAULT);
}

/** A constant with what runtime/token/stored-credential.ts needs to know, and more. */
export function sourceRules<M extends PolicyModel>(
  e: PolicyEmit<M>,
  hint: string,
  { ref }: StoredSource,
  more: { readonly [key: string]: boolean } = {},
): Code {
  return e.constant(hint, frozen(literal({ name: e.name, variable: ref ?? BY_DEFAULT, ...more })));
}
