/** Where policies find the token or signature that they look into: the Authorization header unless told otherwise. */
import type { PolicyModel } from "../../ir/model.ts";
import { code, literal } from "../../5-emit/code.ts";
import type { PolicyAnalysis, PolicyEmit } from "../definition.ts";
import { frozen } from "./values.ts";

export const AUTHORIZATION = "request.header.authorization";

export interface DecodeModel {
  readonly source?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

/** The word in front of a token in that variable; empty: none. */
export function wordBefore(variable: string): "Bearer" | "" {
  return variable.toLowerCase() === AUTHORIZATION ? "Bearer" : "";
}

/** Notes the variable that DecodeJWS and DecodeJWT read. */
export function analyzeDecode<M extends PolicyModel & DecodeModel>(step: PolicyAnalysis<M>): void {
  const { source } = step.model;
  step.reads(source ?? AUTHORIZATION, source === undefined ? [] : ["source"]);
}

/** The statement of DecodeJWS or DecodeJWT. `kind`: under which its variables stand. */
export function emitDecode<M extends PolicyModel & DecodeModel>(e: PolicyEmit<M>, kind: "jws" | "jwt"): void {
  const { source = AUTHORIZATION, ignoreUnresolvedVariables = false } = e.model;
  const config = literal({
    name: e.name,
    prefix: wordBefore(source),
    ignoreUnresolved: ignoreUnresolvedVariables,
    keep: e.isRead(`${kind}.${e.name}.`),
  });
  const decode = kind === "jws" ? "decodeJws" : "decodeJwt";
  const rules = e.constant(decode, frozen(config));
  e.line(code`${e.symbol(decode)}(${e.x}, ${rules}, ${e.variable(source)});`);
}
