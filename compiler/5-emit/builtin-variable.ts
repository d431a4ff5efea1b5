/** The fixed variables as expressions; those about the target are in target-variable.ts. */
import type { BuiltinVariable } from "../flow-variable.ts";
import { code, identifier, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { RuntimeSymbol } from "./symbols.ts";
import { isTargetVariable, readTargetVariable } from "./target-variable.ts";

const X = identifier("x");

/** Variables that are one expression, whatever the file. */
const plainBuiltins = {
  "apiproxy.revision": code`${X}.program.hash`,
  "apiproxy.basepath": code`${"/"}`,
  "environment.name": code`${X}.program.environment`,
  "proxy.name": code`${X}.program.endpoint`,
  "proxy.basepath": code`${X}.program.basePath`,
  "proxy.pathsuffix": code`${X}.pathSuffix`,
  "client.ip": code`${X}.client.address`,
  "client.host": code`${X}.client.address`,
  "proxy.client.ip": code`${X}.client.address`,
  "client.resolved.ip": code`${X}.clientAddress`,
  "client.port": code`${X}.client.port`,
  "client.scheme": code`${X}.client.scheme`,
  "client.ssl.enabled": code`String(${X}.client.scheme === "https")`,
  "client.received.start.timestamp": code`${X}.startedWallMs`,
  "client.received.end.timestamp": code`${X}.startedWallMs`,
  "system.uuid": code`${X}.gateway.instance.uuid`,
  "system.pod.name": code`${X}.gateway.instance.podName`,
  "system.region.name": code`${X}.gateway.instance.regionName`,
  "current.flow.name": code`${X}.flow`,
  messageid: code`${X}.id`,
  "route.name": code`${X}.route`,
  "system.timestamp": code`${X}.gateway.clock.wallMs()`,
  "is.error": code`(${X}.fault !== null)`,
  "target.basepath": code`(${X}.target?.basePath || null)`,
  "route.target": code`(${X}.target?.name ?? null)`,
  "target.name": code`(${X}.target?.name ?? null)`,
  "websocket.closed.by": code`(${X}.ended?.closedBy ?? null)`,
  "websocket.close.code": code`(${X}.ended?.code ?? null)`,
  "websocket.close.reason": code`(${X}.ended?.reason ?? null)`,
  "websocket.close.text": code`(${X}.ended?.text ?? null)`,
  "websocket.duration": code`(${X}.ended === null ? null : Math.round(${X}.ended.durationMs))`,
  "websocket.client.bytes": code`(${X}.ended?.bytesFromClient ?? null)`,
  "websocket.client.frames": code`(${X}.ended?.framesFromClient ?? null)`,
  "websocket.target.bytes": code`(${X}.ended?.bytesFromTarget ?? null)`,
  "websocket.target.frames": code`(${X}.ended?.framesFromTarget ?? null)`,
  "websocket.credential": code`(${X}.credential?.value ?? null)`,
  "websocket.credential.source": code`(${X}.credential?.source ?? null)`,
} as const satisfies { readonly [id in BuiltinVariable]?: Code };

/** Variables that a helper reads: which, and what it takes beside the exchange. */
const helperBuiltins = {
  "proxy.url": ["proxyUrl"],
  "client.cn": ["clientSubject", "CN"],
  "client.country": ["clientSubject", "C"],
  "client.email.address": ["clientSubject", "emailAddress"],
  "client.locality": ["clientSubject", "L"],
  "client.organization": ["clientSubject", "O"],
  "client.organization.unit": ["clientSubject", "OU"],
  "client.state": ["clientSubject", "ST"],
  "client.sent.start.timestamp": ["clientSent", "start"],
  "client.sent.end.timestamp": ["clientSent", "end"],
  "client.sent.start.time": ["clientSentText", "start"],
  "client.sent.end.time": ["clientSentText", "end"],
  "error.state": ["errorState"],
  "error.message": ["faultVariable", "reason"],
  "fault.reason": ["faultVariable", "reason"],
  "fault.name": ["faultVariable", "name"],
  "fault.category": ["faultVariable", "category"],
  "fault.subcategory": ["faultVariable", "subcategory"],
} as const satisfies { readonly [id in BuiltinVariable]?: readonly [RuntimeSymbol, string?] };

/** An expression of type `Value`. `proxy` and `organization` are names. */
export function readBuiltin(
  id: BuiltinVariable,
  { file, organization, proxy }: { readonly file: FileWriter; readonly organization: string; readonly proxy: string },
): Code {
  if (isIn(plainBuiltins, id)) return plainBuiltins[id];
  if (isTargetVariable(id)) return readTargetVariable(id, file);
  if (isIn(helperBuiltins, id)) {
    const [helper, what] = helperBuiltins[id];
    return what === undefined ? code`${file.symbol(helper)}(${X})` : code`${file.symbol(helper)}(${X}, ${what})`;
  }
  switch (id) {
    case "organization.name":
      return code`${organization}`;
    case "apiproxy.name":
      return code`${proxy}`;
    case "client.received.start.time":
    case "client.received.end.time":
      return code`${file.symbol("timeText")}(${X}.startedWallMs)`;
    case "system.time":
      return code`${file.symbol("timeText")}(${X}.gateway.clock.wallMs())`;
    case "target.copy.pathsuffix":
    case "target.copy.queryparams":
    case "target.header.host":
      return code`${X}.${builtinField(id)}`;
  }
}

/** The field of the exchange that a variable is, for those that policies may write. */
export function builtinField(id: BuiltinVariable): Code {
  switch (id) {
    case "target.url":
    case "target.evaluated.url":
      return identifier("targetUrl");
    case "target.copy.pathsuffix":
      return identifier("copyPathSuffix");
    case "target.copy.queryparams":
      return identifier("copyQueryParams");
    case "target.header.host":
      return identifier("targetHost");
    default:
      throw new TypeError(`invariant: ${id} is read-only`);
  }
}

function isIn<K extends string>(table: Readonly<Record<K, unknown>>, id: string): id is K {
  return Object.hasOwn(table, id);
}
