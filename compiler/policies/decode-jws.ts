/** DecodeJWS at compile time. It checks nothing, so it leaves no obligation. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { frozen } from "./parts/values.ts";

export interface DecodeJwsModel extends PolicyModel {
  readonly kind: "DecodeJWS";
  readonly source?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

const AUTHORIZATION = "request.header.authorization";

export const decodeJws = {
  kind: "DecodeJWS",
  basename: "decode-jws",
  phases: ["request", "response", "fault"],
  failedPrefix: "jws",
  variablePrefixes: ["jws"],
  timing: () => "sync",
  analyze(step) {
    const { source } = step.model;
    step.reads(source ?? AUTHORIZATION, source === undefined ? [] : ["source"]);
  },
  emit(e) {
    const { source = AUTHORIZATION, ignoreUnresolvedVariables = false } = e.model;
    const config = literal({
      name: e.name,
      prefix: source.toLowerCase() === AUTHORIZATION ? "Bearer" : "",
      ignoreUnresolved: ignoreUnresolvedVariables,
      keep: e.isRead(`jws.${e.name}.`),
    });
    const rules = e.constant("decodeJws", frozen(config));
    e.line(code`${e.symbol("decodeJws")}(${e.x}, ${rules}, ${e.variable(source)});`);
  },
} satisfies PolicyDefinition<DecodeJwsModel>;
