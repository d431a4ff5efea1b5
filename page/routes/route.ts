/** Routes as the admin API tells them. */

export interface Step {
  readonly policy: string;
  readonly type: string;
  readonly file: string;
  readonly line: number;
  readonly at: string;
  readonly condition: string | null;
  /** Why the compiler left it out. */
  readonly never?: string;
  readonly steps?: readonly Step[];
}

export interface Flow {
  readonly name: string;
  readonly condition: string | null;
  readonly steps: readonly Step[];
}

export type StageName =
  "request" | "targetRequest" | "targetResponse" | "response" | "events" | "postClient" | "fault" | "targetFault";

export interface Stage {
  readonly stage: StageName;
  readonly target?: string;
  readonly flows: readonly Flow[];
}

export interface RouteRow {
  readonly id: string;
  readonly environment: string;
  readonly hostnames: readonly string[];
  readonly basePath: string;
  readonly proxy: string;
  readonly endpoint: string;
  readonly webSocket: {
    readonly mode: "allow" | "only" | "deny";
    readonly level: "tracked" | "messages" | "denied";
    readonly why: string | null;
  };
  readonly bodies: readonly { readonly body: string; readonly why: string }[];
}

export interface Route extends RouteRow {
  readonly at: string;
  readonly stages: readonly Stage[];
  readonly rules: readonly {
    readonly name: string;
    readonly condition: string | null;
    readonly target: string | null;
  }[];
  readonly targets: readonly { readonly name: string; readonly to: string }[];
}

export interface RoutePage {
  readonly routes: readonly RouteRow[];
  readonly total: number;
  readonly next: string | null;
}

/** What a route does with frames, in words. */
export const levelTexts: Readonly<Record<RouteRow["webSocket"]["level"], string>> = {
  tracked: "frame headers",
  messages: "messages",
  denied: "denied",
};
