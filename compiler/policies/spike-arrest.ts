/** SpikeArrest at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { frozen, readsValue, textCode, type Ref } from "./parts/values.ts";

export interface SpikeArrestModel extends PolicyModel {
  readonly kind: "SpikeArrest";
  readonly rate: RefOr<string>;
  readonly identifier?: Ref;
  readonly messageWeight?: Ref;
  readonly useEffectiveCount?: boolean;
}

export const spikeArrest = {
  kind: "SpikeArrest",
  basename: "spike-arrest",
  phases: ["request"],
  failedPrefix: "ratelimit",
  variablePrefixes: ["ratelimit"],
  timing: () => "sync",
  changes: () => [],
  analyze(step) {
    const { rate, identifier, messageWeight } = step.model;
    readsValue(step, rate, ["rate"]);
    readsValue(step, identifier, ["identifier"]);
    readsValue(step, messageWeight, ["messageWeight"]);
  },
  emit(e) {
    const { rate, identifier, messageWeight, useEffectiveCount } = e.model;
    const config = literal({
      name: e.name,
      id: e.id,
      rateVariable: typeof rate === "string" ? "" : rate.ref,
      effectiveCount: useEffectiveCount ?? false,
      keep: e.isRead(`ratelimit.${e.name}.`),
    });
    const call = literal({
      rate: textCode(e, rate),
      identifier: identifier === undefined ? null : e.variable(identifier.ref),
      weight: messageWeight === undefined ? 1 : e.variable(messageWeight.ref),
    });
    const rules = e.constant("spikeArrest", frozen(config));
    e.line(code`${e.symbol("spikeArrest")}(${e.x}, ${rules}, ${call});`);
  },
} satisfies PolicyDefinition<SpikeArrestModel>;
