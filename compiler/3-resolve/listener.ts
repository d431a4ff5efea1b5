/** Listeners: whose word on clients they take, and what only makes sense where they take some. */
import { parseIpRange } from "#runtime/language/ip-address.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { AddressRanges } from "../ir/gateway-model.ts";
import type { BundleModel } from "../ir/model.ts";

/** Reports ranges that are none or everybody, and settings that need trusted proxies where there are none. */
export function checkListeners(model: BundleModel, diagnostics: Diagnostics): void {
  const listeners = model.gateway.listeners ?? [];
  for (const { forwarded, proxyProtocol } of listeners) {
    checkRanges(forwarded?.trustedProxies, model, diagnostics);
    if (typeof proxyProtocol === "object") checkRanges(proxyProtocol.trustedProxies, model, diagnostics);
  }
  if (listeners.some((listener) => listener.forwarded !== undefined)) return;
  const why = "no listener trusts the proxies in front of it (forwarded)";
  for (const { value } of model.environments) {
    if (value.clientIpResolution === undefined) continue;
    const span = model.positions.ofKey(value, "clientIpResolution");
    diagnostics.report("AGW3103", span, { what: "clientIpResolution", why });
  }
}

function checkRanges(ranges: AddressRanges | undefined, { positions }: BundleModel, diagnostics: Diagnostics): void {
  if (!Array.isArray(ranges)) return;
  ranges.forEach((text, at) => {
    const range = parseIpRange(text);
    const span = positions.of(ranges, at);
    if (range === null) {
      diagnostics.report("AGW3105", span, { what: "range", value: text, expected: "it is no IP address or range" });
    } else if (range.bits === 0) diagnostics.report("AGW4003", span, { range: text });
  });
}
