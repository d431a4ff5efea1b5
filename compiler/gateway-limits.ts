/** The limits that a bundle writes, under the names that the runtime has for them. */
import { defaultLimits, type Limits } from "#runtime/limits.ts";
import type { GatewayModel } from "./ir/gateway-model.ts";
import { durationMs, sizeBytes } from "./measure.ts";

/** What `limits` in gateway.yaml says, in the runtime's units. */
export function limitOverrides(gateway: GatewayModel): Record<string, number> {
  const overrides: Record<string, number> = {};
  for (const [name, value] of Object.entries(gateway.limits ?? {})) {
    const number = typeof value === "number" ? value : (durationMs(value) ?? sizeBytes(value));
    const found = limitName(name);
    if (number !== null && found !== null) overrides[found] = number;
  }
  return overrides;
}

/** The defaults with the overrides. */
export function gatewayLimits(gateway: GatewayModel): Limits {
  return { ...defaultLimits, ...limitOverrides(gateway) };
}

/** `idleTimeout` in gateway.yaml is `idleTimeoutMs` in runtime/limits.ts, `requestHead` `requestHeadBytesMax`. */
function limitName(name: string): string | null {
  const names = Object.keys(defaultLimits);
  return [name, `${name}Ms`, `${name}Max`, `${name}BytesMax`].find((candidate) => names.includes(candidate)) ?? null;
}
