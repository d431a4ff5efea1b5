/** DecodeJWS at compile time. It checks nothing, so it leaves no obligation. */
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { analyzeDecode, emitDecode, type DecodeModel } from "./parts/presented-token.ts";

export interface DecodeJwsModel extends PolicyModel, DecodeModel {
  readonly kind: "DecodeJWS";
}

export const decodeJws = {
  kind: "DecodeJWS",
  basename: "decode-jws",
  phases: ["request", "response", "fault"],
  failedPrefix: "jws",
  variablePrefixes: ["jws"],
  timing: () => "sync",
  analyze: analyzeDecode,
  emit: (e) => { emitDecode(e, "jws"); },
} satisfies PolicyDefinition<DecodeJwsModel>;
