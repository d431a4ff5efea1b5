/** The expression that opens the gateway's store; only the written kind is linked. */
import type { StoreModel } from "../ir/gateway-model.ts";
import type { Plan } from "../ir/plan.ts";
import { durationMs } from "../measure.ts";
import { code, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { SettingValues } from "./setting-values.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 1_000;
const MAX_LAG_MS = 60_000;

/** A function of type `GatewayProgram["openStore"]` (runtime/program.ts). */
export function storeCode(plan: Plan, file: FileWriter, values: SettingValues): Code {
  const store: StoreModel = plan.program.gateway.store ?? { kind: "embedded" };
  if (store.kind === "memory") return code`(clock, limits) => new ${file.symbol("MemoryStore")}(clock, limits)`;
  if (store.kind === "redis") {
    const open = code`new ${file.symbol("RedisStore")}(${redisCode(store, values)}, clock, limits, report)`;
    return code`(clock, limits, report) => ${open}`;
  }
  const path = store.file === undefined ? literal("apigw.db") : values.text(store.file, "text");
  return code`(clock, limits) => new ${file.symbol("EmbeddedStore")}(${path}, clock, limits)`;
}

/** An expression of type `GatewayProgram["lag"]` (runtime/program.ts). */
export function lagCode({ features, program }: Plan, file: FileWriter): Code {
  if (features.store !== "redis") return literal(null);
  const { maxLag = "", onLag = "refuse" } = program.gateway.revocation ?? {};
  return literal({ maxLagMs: durationMs(maxLag) ?? MAX_LAG_MS, onLag, watch: file.symbol("watchLag") });
}

/** An expression of type `RedisSettings` (runtime/state/redis-settings.ts). */
function redisCode(store: StoreModel, values: SettingValues): Code {
  const { cluster, sentinel, tls } = store;
  // In braces: a cluster puts all keys with the same text there into one slot, which scripts need.
  const keyPrefix = `{${store.keyPrefix ?? "apigw"}}`;
  return literal({
    // It may carry a password: never shown.
    url: values.text(store.url, "secret"),
    cluster: cluster === undefined ? null : nodesCode(cluster, values),
    sentinel: sentinel === undefined ? null : {
      master: sentinel.master,
      nodes: nodesCode(sentinel.nodes, values),
      password: values.text(sentinel.password, "secret"),
    },
    username: values.text(store.username, "text"),
    password: values.text(store.password, "secret"),
    tls: tls === undefined ? null : {
      caFile: values.text(tls.caFile, "file"),
      certFile: values.text(tls.certFile, "file"),
      keyFile: values.text(tls.keyFile, "file"),
      serverName: values.text(tls.serverName, "text"),
    },
    keyPrefix,
    channel: `${keyPrefix}:wake`,
    connectTimeoutMs: durationMs(store.connectTimeout ?? "") ?? CONNECT_TIMEOUT_MS,
    commandTimeoutMs: durationMs(store.commandTimeout ?? "") ?? COMMAND_TIMEOUT_MS,
  });
}

function nodesCode(nodes: NonNullable<StoreModel["cluster"]>, values: SettingValues): Code {
  return literal(nodes.map(({ host, port }) => ({ host: values.text(host, "text"), port: values.port(port) })));
}
