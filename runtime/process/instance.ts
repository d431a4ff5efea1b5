/** Which of several processes this is. It knows names and nothing of what the process does. */
import type { Clock } from "../clock.ts";
import type { ReplicaRecord } from "../state/fleet-record.ts";

export interface Instance {
  /** `system.uuid`: a new one for each start. */
  readonly uuid: string;
  /** `system.pod.name`: APIGW_POD_NAME, else HOSTNAME; null without. */
  readonly podName: string | null;
  /** `system.region.name`: APIGW_REGION_NAME; null without. */
  readonly regionName: string | null;
  /** Wall clock. */
  readonly startedAtMs: number;
}

/** This process, by its environment. */
export function instanceOf(clock: Clock, env: Readonly<Record<string, string | undefined>>): Instance {
  const podName = env["APIGW_POD_NAME"] ?? env["HOSTNAME"] ?? null;
  return { uuid: clock.randomId(), podName, regionName: env["APIGW_REGION_NAME"] ?? null, startedAtMs: clock.wallMs() };
}

/** This process, as those see it that share its store. */
export function replicaOf({ build, draining, instance }: ReplicaParts): ReplicaRecord {
  const { podName, regionName, startedAtMs, uuid } = instance;
  return { id: uuid, pod: podName, region: regionName, build, startedAtMs, isDraining: draining };
}

interface ReplicaParts {
  readonly build: string;
  readonly draining: boolean;
  readonly instance: Instance;
}
