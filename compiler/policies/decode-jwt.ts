/** DecodeJWT at compile time. It checks nothing, so it leaves no obligation. */
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { analyzeDecode, emitDecode, type DecodeModel } from "./parts/presented-token.ts";

export interface DecodeJwtModel extends PolicyModel, DecodeModel {
  readonly kind: "DecodeJWT";
}

export const decodeJwt = {
  kind: "DecodeJWT",
  basename: "decode-jwt",
  phases: ["request", "response", "fault"],
  failedPrefix: "jwt",
  variablePrefixes: ["jwt"],
  timing: () => "sync",
  analyze: analyzeDecode,
  emit: (e) => { emitDecode(e, "jwt"); },
} satisfies PolicyDefinition<DecodeJwtModel>;
