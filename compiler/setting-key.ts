/** What makes two values read at start the same one; used where they are collected and where they are emitted. */
import type { SettingPlan } from "./ir/plan.ts";

/** A key for a setting's source and kind. */
export function settingKey(source: object, kind: SettingPlan["kind"]): string {
  return `${kind}:${JSON.stringify(source)}`;
}
