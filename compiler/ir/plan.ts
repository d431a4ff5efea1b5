/**
 * The plan: what the gateway will do, decided. Routes are free of conflicts, conditions are folded, every step knows
 * whether it may wait, every obligation of a connection is known. Types only.
 */
import type { Condition } from "#runtime/language/condition.ts";
import type { Value } from "#runtime/language/operators.ts";
import type { Template } from "#runtime/language/template.ts";
import type { Optimisations } from "../optimisations.ts";
import type { FlowPlaceVariable, NamedMessage } from "../flow-variable.ts";
import type { Obligation, SettingRequest, Timing } from "../policies/definition.ts";
import type {
  Program,
  ProgramCondition,
  ProgramEndpoint,
  ProgramPolicy,
  ProgramProxy,
  ProgramStep,
  ProgramTarget,
} from "./program.ts";
import type { Span } from "../source/positions.ts";

export interface Plan {
  readonly program: Program;
  readonly hosts: readonly HostPlan[];
  readonly proxies: readonly ProxyPlan[];
  readonly settings: readonly SettingPlan[];
  readonly features: Features;
  /** What phase 5 may do; what was done before it shows in the plan itself. */
  readonly optimisations: Optimisations;
}

/** What the artifact must be able to do; decides which parts of the runtime are linked. */
export interface Features {
  readonly tlsListener: boolean;
  readonly store: "memory" | "embedded" | "redis";
  readonly admin: boolean;
  /** The page of the admin listener. */
  readonly page: boolean;
  readonly ops: boolean;
  /** Some proxy has traced twins, and something may ask for recordings. */
  readonly tracing: boolean;
  /** One exchange of some takes them, for times of policies. */
  readonly policyTimes: boolean;
  /** Debug sessions can be asked for. */
  readonly debug: boolean;
}

/** The routes of one environment group. */
export interface HostPlan {
  readonly group: string;
  readonly hostnames: readonly string[];
  readonly routes: readonly RoutePlan[];
}

export interface RoutePlan {
  readonly segments: readonly string[];
  readonly basePath: string;
  readonly environment: string;
  readonly proxy: string;
  readonly endpoint: string;
}

/** A condition after folding. */
export type When =
  | { readonly kind: "always" }
  | { readonly kind: "never"; readonly why: string }
  | {
      readonly kind: "test";
      readonly ast: Condition;
      readonly condition: ProgramCondition;
      /** Variables that it depends on; absent: all of `ast`, which asks for more only where it is not folded. */
      readonly decidedBy?: readonly string[];
      /** Parts of it that were decided before, by what they print as. */
      readonly shared?: ReadonlyMap<string, PlanShared>;
    };

/** One step of a chain. */
export interface PlanStep {
  readonly kind: "step";
  /** Index into the proxy's table of positions. */
  readonly index: number;
  readonly step: ProgramStep;
  readonly when: When;
  /** Why the step never runs; null when it may. */
  readonly skipped: string | null;
  /** How the step is written: as one that may wait unless its policy never does and chains are to be straight. */
  readonly timing: Timing;
  /** True in request flows of a target endpoint: a written `target.url` takes effect. */
  readonly isTargetRequest: boolean;
  /** What its policy does with variables, in order, parameters under their own names; not what its shared flow does. */
  readonly effects: readonly PlanEffect[];
  /** Variables whose value is known wherever the step reads them; written as literals. */
  readonly known: ReadonlyMap<string, Value>;
  /** Parameters of the calls that the step stands in: the variables that are meant, by the names that it uses. */
  readonly names: ReadonlyMap<string, string>;
  /** Bodies that the step's policy looks into. */
  readonly looks: readonly BodyLook[];
  /** Those of them that have to be in memory before it runs, and may not be: only where the step has a condition. */
  readonly waits: readonly PlanBody[];
  /** Steps of the called shared flow. */
  readonly body: readonly PlanItem[] | null;
}

/** A step reads a variable, or writes a custom one. `text`: what that becomes unless the step fails; null: anything. */
export type PlanEffect =
  | { readonly kind: "read"; readonly name: string }
  | { readonly kind: "write"; readonly name: string; readonly text: Template | null };

/** The first branch whose condition holds. */
export interface PlanChoice {
  readonly kind: "choice";
  readonly branches: readonly { readonly name: string; readonly when: When; readonly items: readonly PlanItem[] }[];
}

/** A flow begins: variables about it change; only there when somebody reads one of them. */
export interface PlanFlowName {
  readonly kind: "flow-name";
  readonly name: string;
  readonly sets: readonly { readonly variable: FlowPlaceVariable; readonly value: string | null }[];
}

/** Which body: the request's, the form in it (of urlencoded ones only), the response's. */
export type Body = "request" | "form" | "response";

/** A body that something looks into. */
export interface BodyLook {
  readonly body: Body;
  /** What looks: `request.content in AM-Copy`. */
  readonly why: string;
}

/** From here on a body is in memory. */
export interface PlanBody extends BodyLook {
  readonly kind: "body";
}

/** A condition that several of the items behind it ask: decided here, once. */
export interface PlanShared {
  readonly kind: "shared";
  readonly ast: Condition;
  /** How many other decisions of its segment are of the same condition: a name of its own tells it from them. */
  readonly others: number;
}

export type PlanItem = PlanStep | PlanChoice | PlanFlowName | PlanBody | PlanShared;

/** A run of items in one direction. */
export type Segment = readonly PlanItem[];

export interface ProxyPlan {
  readonly proxy: ProgramProxy;
  readonly endpoints: readonly EndpointPlan[];
  readonly targets: readonly TargetPlan[];
  /** Custom variables that have a place at run time, in alphabetical order. */
  readonly variables: readonly string[];
  /** Custom variables that some step writes and that have no place, because nobody reads them. */
  readonly dropped: readonly string[];
  /** Messages that policies make, the longer names first. */
  readonly messages: readonly NamedMessage[];
  /** Names of all variables that a condition, template or policy reads. */
  readonly reads: ReadonlySet<string>;
  /** Those that generated code still reads; null: any. */
  readonly used: ReadonlySet<string> | null;
  readonly ownedHeaders: readonly string[];
  /** Which exchanges are sent to a collector; null where the gateway names none. */
  readonly sampling: SamplingPlan | null;
  readonly positions: readonly PositionPlan[];
  readonly policies: readonly ProgramPolicy[];
}

export interface SamplingPlan {
  readonly share: number;
  readonly when: When;
}

export interface PositionPlan {
  readonly policy: string;
  readonly kind: string;
  readonly file: string;
  readonly line: number;
  readonly flow: string;
  /** The step's condition as written; null when it has none. */
  readonly condition: string | null;
}

export interface RulesPlan {
  /** Bodies that conditions of the rules look into. */
  readonly waits: readonly PlanBody[];
  /** In the order in which they are tried. */
  readonly rules: readonly { readonly name: string; readonly when: When; readonly items: Segment }[];
  readonly otherwise: { readonly when: When; readonly items: Segment; readonly always: boolean } | null;
}

export interface EndpointPlan {
  readonly endpoint: ProgramEndpoint;
  readonly request: Segment;
  readonly routes: readonly { readonly name: string; readonly when: When; readonly target: ProgramTarget | null }[];
  readonly response: Segment;
  readonly faults: RulesPlan;
  /** Runs for each server-sent event, behind the target endpoint's. */
  readonly events: Segment;
  /** Runs when the answer has left. */
  readonly postClient: Segment;
  /** Runs when a WebSocket session has ended. */
  readonly sessionEnd: Segment;
  readonly session: SessionPlan;
  /** Why bodies of its exchanges are read into memory, those of its targets included; empty: all of them stream by. */
  readonly bodies: readonly BodyLook[];
}

export interface TargetPlan {
  readonly target: ProgramTarget;
  readonly request: Segment;
  readonly response: Segment;
  readonly faults: RulesPlan;
  /** Runs for each server-sent event. */
  readonly events: Segment;
}

/** What connections of an endpoint are held to after the 101. */
export interface SessionPlan {
  /** `tracked`: frame headers only. `messages`: a policy looks into messages. `denied`: no upgrades. */
  readonly level: "tracked" | "messages" | "denied";
  readonly why: string;
  readonly obligations: readonly Obligation[];
  readonly ambientCredential: boolean;
}

/** A value read when the gateway starts. */
export interface SettingPlan {
  readonly id: string;
  /** What setting-key.ts makes of its source and kind. */
  readonly key: string;
  readonly request: SettingRequest;
  readonly kind: "text" | "port" | "secret" | "file";
  readonly span: Span;
}
