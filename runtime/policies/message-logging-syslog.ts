/**
 * MessageLogging to syslog: the form of a message (RFC 3164, RFC 5424, or the text alone), and the sender that its
 * gateway keeps for each receiver. It never waits.
 */
import { hostname } from "node:os";
import type { Exchange } from "../context.ts";
import type { Gateway } from "../gateway.ts";
import { SyslogSender, type OpenLink, type SyslogReceiver } from "../syslog/sender.ts";
import type { MessageLoggingConfig } from "./message-logging.ts";

export interface SyslogConfig extends MessageLoggingConfig {
  /** `formatted`: RFC 5424; `plain`: RFC 3164; `payload`: nothing but the text. */
  readonly form: "formatted" | "plain" | "payload";
  /** How a message ends on a connection (RFC 6587): by its length in front, or a line end behind; null: a datagram. */
  readonly framing: "octets" | "line" | null;
}

/** Facility local0, times 8. */
const FACILITY = 16 * 8;
const SEVERITIES = { DEBUG: 7, INFO: 6, WARN: 4, ERROR: 3, ALERT: 1 } as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Sends one message; `text` holds no credentials, the compiler has seen to that. */
export function logSyslog(x: Exchange, config: SyslogConfig, receiver: () => SyslogReceiver, text: string): void {
  const { gateway } = x;
  const message = syslogMessage(gateway, config, text);
  senderOf(gateway, `syslog ${config.name}`, receiver).send(message);
}

/** The message in bytes, cut where it is too long. */
function syslogMessage(gateway: Gateway, config: SyslogConfig, text: string): Buffer {
  // A message is one line: what a client sent must not begin another.
  const line = (head(gateway, config) + text).replace(/[\u0000-\u001f\u007f]/g, " ");
  const bytes = cut(Buffer.from(line, "utf8"), gateway.limits.syslogMessageBytesMax);
  if (config.framing === null) return bytes;
  return config.framing === "line"
    ? Buffer.concat([bytes, Buffer.from("\n")])
    : Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

function head({ clock, instance }: Gateway, { name, severity, form }: SyslogConfig): string {
  if (form === "payload") return "";
  const priority = `<${FACILITY + SEVERITIES[severity]}>`;
  const date = new Date(clock.wallMs());
  const host = visible(instance.podName ?? hostname(), 255);
  // Another one for each start of the process, like its number.
  const process = instance.uuid.slice(0, 8);
  if (form === "formatted") {
    return `${priority}1 ${date.toISOString()} ${host} apigw ${process} ${visible(name, 32)} - `;
  }
  const day = `${MONTHS[date.getUTCMonth()] ?? ""} ${String(date.getUTCDate()).padStart(2, " ")}`;
  return `${priority}${day} ${date.toISOString().slice(11, 19)} ${host} apigw[${process}]: `;
}

/** A field of a head: visible ASCII, `-` for nothing. */
function visible(text: string, lengthMax: number): string {
  return text.replace(/[^\u0021-\u007e]/g, "_").slice(0, lengthMax) || "-";
}

function cut(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.length <= bytesMax) return bytes;
  let end = bytesMax;
  // Not within a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function senderOf(gateway: Gateway, policy: string, receiver: () => SyslogReceiver): SyslogSender {
  const known = gateway.counters.get(policy);
  if (known instanceof SyslogSender) return known;
  const { name, open } = receiver();
  const shared = gateway.counters.get(name);
  const sender = shared instanceof SyslogSender ? shared : makeSender(gateway, name, open);
  gateway.counters.set(policy, sender).set(name, sender);
  return sender;
}

function makeSender({ clock, limits, log, metrics }: Gateway, receiver: string, open: OpenLink): SyslogSender {
  return new SyslogSender(open, clock, limits, {
    sent: () => metrics.count("syslogSent"),
    dropped: (messages) => metrics.count("syslogDropped", messages),
    failed: (detail) => log.event("syslog_failed", { receiver, detail }, "warn"),
    recovered: () => log.event("syslog_recovered", { receiver }),
  });
}
