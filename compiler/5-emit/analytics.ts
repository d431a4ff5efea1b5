/** The part of the program that keeps analytics; nothing of it is linked where gateway.yaml asks for none. */
import type { Plan } from "../ir/plan.ts";
import { durationMs, sizeBytes } from "../measure.ts";
import { code, join, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { SettingValues } from "./setting-values.ts";

/** Less would not hold a batch of rows and what it adds up to. */
const BYTES_MIN = 1024 * 1024;
const FILE = "apigw-analytics.db";

/** An expression of type `GatewayProgram["analytics"]` (runtime/program.ts); null where none are kept. */
export function analyticsCode({ program }: Plan, values: SettingValues, file: FileWriter): Code | null {
  const model = program.gateway.observability?.analytics ?? "off";
  if (model === "off") return null;
  const { file: path, maxSize = "1GiB", retention = {} } = model === "on" ? {} : model;
  const { rows = "3d", minutes = "2d", hours = "31d", days = "400d" } = retention;
  const settings = literal({
    file: path === undefined ? literal(FILE) : values.text(path, "text"),
    bytesMax: Math.max(sizeBytes(maxSize) ?? 0, BYTES_MIN),
    retention: { rows: durationMs(rows), minute: durationMs(minutes), hour: durationMs(hours), day: durationMs(days) },
    collectors: (program.gateway.observability?.dataCollectors ?? []).map(({ name, type }) => {
      return { name, isNumber: type === "INTEGER" || type === "FLOAT" };
    }),
  });
  const open = file.symbol("openAnalytics");
  return join([code`{`, code`open: ${open},`, code`settings: () => (${settings}),`, code`}`], "\n");
}

/** What the admin listener answers beyond what it always does. */
export function adminSubjectCodes({ features, program }: Plan, file: FileWriter): readonly Code[] {
  const { analytics = "off" } = program.gateway.observability ?? {};
  return [
    ...(analytics === "off" ? [] : [code`${file.symbol("statsSubject")}()`]),
    ...(features.policyTimes ? [code`${file.symbol("policyTimesSubject")}()`] : []),
  ];
}
