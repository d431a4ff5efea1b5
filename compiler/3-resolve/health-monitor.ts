/** Health monitors of target endpoints: whether there is one, and what it cannot do without. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { BundleModel } from "../ir/model.ts";
import type { HealthMonitorModel, TargetEndpointModel } from "../ir/proxy-model.ts";

/** The monitor that runs; null: none. Its form and its place beside a load balancer were checked with the schema. */
export function resolveHealthMonitor(
  model: BundleModel,
  target: TargetEndpointModel,
  diagnostics: Diagnostics,
): HealthMonitorModel | null {
  const { healthMonitor, loadBalancer } = target;
  if (healthMonitor === undefined || !healthMonitor.isEnabled) return null;
  if (loadBalancer !== undefined && (loadBalancer.maxFailures ?? 0) === 0) {
    const problem = "a health monitor without maxFailures can take no server out of rotation";
    const help = "write maxFailures in the load balancer";
    diagnostics.report("AGW3040", model.positions.ofKey(target, "healthMonitor"), { problem }, { help });
  }
  const request = healthMonitor.httpMonitor?.request;
  if (request?.useTargetServerSSLInfo === true && request.isSSL !== true) {
    const problem = "useTargetServerSSLInfo has no effect without isSSL: true";
    diagnostics.report("AGW3040", model.positions.of(request, "useTargetServerSSLInfo"), { problem });
  }
  return healthMonitor;
}
