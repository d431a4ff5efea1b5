/** Variables that say which server a target is and how it was reached (apigee-core section 6.4), as expressions. */
import type { BuiltinVariable } from "../flow-variable.ts";
import { code, identifier, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

const X = identifier("x");

type Read = (file: FileWriter) => Code;

const subject = (field: string): Read => (file) => code`${file.symbol("targetSubject")}(${X}, ${field})`;
const time = (moment: string): Read => (file) => code`${file.symbol("targetTime")}(${X}, ${moment})`;
const timeText = (moment: string): Read => (file) => code`${file.symbol("targetTimeText")}(${X}, ${moment})`;

const reads = {
  "target.url": (file) => code`${file.symbol("targetUrl")}(${X})`,
  "target.evaluated.url": (file) => code`${file.symbol("targetUrl")}(${X})`,
  "target.scheme": (file) => code`${file.symbol("targetScheme")}(${X})`,
  "target.ssl.enabled": (file) => code`(${file.symbol("targetScheme")}(${X}) === "https")`,
  "target.host": (file) => code`(${file.symbol("targetServer")}(${X})?.host ?? null)`,
  "target.port": (file) => code`(${file.symbol("targetServer")}(${X})?.port ?? null)`,
  "target.ip": (file) => code`${file.symbol("targetIp")}(${X})`,
  "target.expectedcn": (file) => code`${file.symbol("expectedName")}(${X})`,
  "target.cn": subject("CN"),
  "target.country": subject("C"),
  "target.email.address": subject("emailAddress"),
  "target.locality": subject("L"),
  "target.organization": subject("O"),
  "target.organization.unit": subject("OU"),
  "target.state": subject("ST"),
  "target.sent.start.timestamp": time("sentStart"),
  "target.sent.start.time": timeText("sentStart"),
  "target.sent.end.timestamp": time("sentEnd"),
  "target.sent.end.time": timeText("sentEnd"),
  "target.received.start.timestamp": time("receivedStart"),
  "target.received.start.time": timeText("receivedStart"),
  "target.received.end.timestamp": time("receivedEnd"),
  "target.received.end.time": timeText("receivedEnd"),
  "target.received.status.code": time("status"),
  "loadbalancing.targetserver": (file) => code`(${file.symbol("balancedServer")}(${X})?.name ?? null)`,
  "loadbalancing.isfallback": (file) => code`(${file.symbol("balancedServer")}(${X})?.isFallback ?? null)`,
  "loadbalancing.failedservers": (file) => code`${file.symbol("failedServers")}(${X})`,
} as const satisfies { readonly [id in BuiltinVariable]?: Read };

/** True for a variable of this file. */
export function isTargetVariable(id: BuiltinVariable): id is keyof typeof reads {
  return Object.hasOwn(reads, id);
}

/** An expression of type `Value` for it. */
export function readTargetVariable(id: keyof typeof reads, file: FileWriter): Code {
  return reads[id](file);
}
