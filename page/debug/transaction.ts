/** Debug sessions and what they recorded, as the admin API tells them. */

export interface DebugSession {
  readonly id: string;
  readonly proxy: string;
  readonly environment: string | null;
  readonly filter?: string | null;
  readonly count: number;
  readonly timeout: number;
  readonly state: "active" | "completed" | "timedOut";
  readonly createdAt: string;
  readonly endsAt: string;
  readonly transactions: number;
  readonly dropped: number;
  readonly sampledOut: number;
  /** Exchanges that the filter did not mean. */
  readonly filteredOut?: number;
}

export interface Fault {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly policy: string | null;
}

export interface Summary {
  readonly id: string;
  readonly kind: "http" | "websocket";
  readonly environment: string;
  readonly proxy: string;
  readonly endpoint: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly fault: Fault | null;
  readonly close: { readonly reason: string; readonly closedBy: string; readonly code: number } | null;
}

/** A variable as a step saw or left it. */
export interface Variable {
  readonly name: string;
  readonly value: string | number | boolean | null;
  /** Nobody reads it: the compiled chain does not write it. */
  readonly unread?: boolean;
}

export interface Step {
  readonly policy: string;
  readonly type: string;
  readonly file: string;
  readonly line: number;
  readonly flow: string;
  readonly condition: { readonly text: string; readonly result: boolean | null } | null;
  readonly outcome: "ran" | "skipped" | "folded" | "fault";
  readonly startMs: number;
  readonly durationMs: number;
  readonly fault: Fault | null;
  readonly reads?: readonly Variable[];
  readonly writes?: readonly Variable[];
}

export interface Message {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string | null;
  readonly version?: string;
  readonly status?: number;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: string | null;
  /** Since the exchange began. */
  readonly afterMs?: number;
}

export interface Close {
  readonly at: string;
  readonly closedBy: string;
  readonly reason: string;
  readonly code: number;
  readonly text: string;
  readonly timer: string | null;
  readonly forced: boolean;
  readonly durationMs: number;
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
  readonly framesFromClient: number;
  readonly framesFromTarget: number;
}

export interface Transaction extends Omit<Summary, "close"> {
  readonly client: { readonly address: string; readonly scheme: string };
  readonly host: string;
  readonly basePath: string;
  readonly pathSuffix: string;
  readonly route: string | null;
  readonly target: {
    readonly endpoint: string;
    readonly server: string | null;
    readonly failedServers: readonly string[];
  } | null;
  readonly steps: readonly Step[];
  /** The YAML of the steps' policies, by file and line; absent where it was too much. */
  readonly sources?: Readonly<Record<string, string>>;
  readonly stepsDropped: number;
  readonly isCut?: boolean;
  readonly messages?: {
    readonly request: Message;
    readonly targetRequest: Message | null;
    readonly targetResponse: Message | null;
    readonly response: Message | null;
  };
  readonly close: Close | null;
}

/** Statuses by what they mean for who looks. */
export function toneOf({ fault, status }: Pick<Summary, "fault" | "status">): "good" | "warn" | "bad" | "plain" {
  if (fault !== null || status >= 500) return "bad";
  if (status >= 400) return "warn";
  return status === 101 || status < 300 ? "good" : "plain";
}
