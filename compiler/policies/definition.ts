/**
 * The contract of a policy's compile-time half: six questions and nothing else. Types only; each policy is one object
 * that
 * `satisfies PolicyDefinition`.
 */
import type { Value } from "#runtime/language/operators.ts";
import type { Template, TemplateReading } from "#runtime/language/template.ts";
import type { Code } from "../5-emit/code.ts";
import type { RuntimeSymbol } from "../5-emit/symbols.ts";
import type { NamedMessage } from "../flow-variable.ts";
import type { FileSource, PolicyModel, SecretSource } from "../ir/model.ts";
import type { DataCollectorModel } from "../ir/observe-model.ts";
import type { Code as DiagnosticCode, ParamsOf } from "../diagnostics/catalogue.ts";

/**
 * Where a step stands. `request` and `response` are of either endpoint; `fault` is a fault rule; `event` comes for each
 * server-sent event, `postClient` when the answer has left, `session` when a WebSocket session has ended.
 */
export type Phase = "request" | "response" | "fault" | "event" | "postClient" | "session";

/** `sync`: never waits. `maybe`: answers a value or a promise. `async`: always a promise. */
export type Timing = "sync" | "maybe" | "async";

/** A part of a message; names in lower case. */
export type MessagePart = "headers" | `header ${string}` | "query" | "verb" | "status";

/** What a step leaves behind for the connection after the 101. */
export type Obligation =
  | {
      readonly kind: "credential";
      readonly what: "key" | "token" | "jwt" | "signature";
      readonly policy: string;
      /** The variable that holds it. */
      readonly variable: string;
      readonly ambient: boolean;
    }
  | { readonly kind: "messages"; readonly policy: string; readonly why: string };

/** A policy's value that is read when the gateway starts; `code` in emitted programs is `settings.<id>`. */
export interface SettingRequest {
  readonly source: SecretSource | FileSource;
  readonly kind: "text" | "secret" | "file" | "port";
}

/** What `analyze` may do. Keys are paths within the policy's model, for positions: `["apiKey", "ref"]`. */
export interface PolicyAnalysis<M extends PolicyModel> {
  readonly model: M;
  readonly name: string;
  /** Unique in the proxy, like that of PolicyEmit. */
  readonly id: string;
  readonly phase: Phase;
  /** True when the step's endpoint admits upgrades. */
  readonly upgradable: boolean;
  /** True when the step runs only under a condition (its own, its flow's or its caller's). */
  readonly conditional: boolean;
  /** True when a fault of the step is carried on from: by itself, or by the call of its shared flow. */
  readonly carriedOn: boolean;
  /** Variables that those conditions read; absent while unknown. */
  readonly conditionReads?: readonly string[];
  /** The message that some policy makes under this name; null when none does. */
  namedMessage(name: string): NamedMessage | null;
  /** The header in which some listener lets trusted proxies name clients; null where no listener trusts any. */
  readonly forwardedHeader: "x-forwarded-for" | "forwarded" | null;
  /** The step reads this flow variable. Unknown names are custom variables. */
  reads(variable: string, at: Path): void;
  /** The step writes this flow variable; read-only ones are reported. `text`: what it becomes, if a template. */
  writes(variable: string, at: Path, text?: Template | null): void;
  /** The step evaluates a message template; parsed and its variables noted as read. Null after a reported problem. */
  template(text: string, at: Path, reading?: TemplateReading): Template | null;
  /** True for a variable that holds a credential. */
  isSecret(variable: string): boolean;
  /** The step sets this header on requests to the target: inbound look-alikes are dropped. */
  ownsHeader(name: string): void;
  /** The step makes this part of a message of others; a name that ends in `*` means all such parts. */
  derives(variable: string, sources: readonly string[]): void;
  /** The step fills this variable from what browsers send by themselves: a credential taken from it is ambient. */
  fillsAmbient(variable: string): void;
  obligation(obligation: Obligation): void;
  /** The data collector that gateway.yaml declares under this name; null: none. */
  dataCollector(name: string): DataCollectorModel | null;
  /** The step needs this value when the gateway starts. */
  setting(request: SettingRequest, at: Path): void;
  report<C extends DiagnosticCode>(code: C, at: Path, params: ParamsOf<C>, extra?: { help?: string }): void;
}

/** A place within a policy's model. Empty: the policy itself. */
export type Path = readonly (string | number)[];

/** What `emit` may do. Statements are added in order; `wait` must come last. */
export interface PolicyEmit<M extends PolicyModel> {
  readonly model: M;
  readonly name: string;
  /** Unique in the proxy, also among the policies of shared flows: names what a policy keeps in the gateway. */
  readonly id: string;
  readonly phase: Phase;
  /** The exchange: `x`. */
  readonly x: Code;
  /** The message that the segment works on: `x.request`, or `response(x)` in response and fault flows. */
  readonly message: Code;
  /** Which of the two `message` is. */
  readonly messageKind: "request" | "response";
  /** What some policy makes under this name; null when none makes anything. */
  messageType(name: string): "request" | "response" | null;
  /**
   * The place of a message that some policy makes under this name: an expression that may be null, and can be assigned.
   */
  namedMessage(name: string): Code;
  /** A helper of runtime/, imported because it is used. */
  symbol(name: RuntimeSymbol): Code;
  /** A constant at the top of the generated file, shared by all its steps with equal code. */
  constant(hint: string, value: Code): Code;
  /** An expression for a flow variable's value (`Value`: string, number, boolean or null). */
  variable(name: string): Code;
  /** An expression for a flow variable as text: a string, or null when unresolved. */
  text(name: string): Code;
  /** What a flow variable is sure to hold here; undefined when that is not known. */
  known(name: string): Value | undefined;
  /** A template parsed, with what is known in it as text. */
  parse(text: string, reading?: TemplateReading): Template;
  /** A statement that writes a flow variable. */
  assign(name: string, value: Code): Code;
  /** An expression (string) for a parsed template. `strict`: an unresolved variable throws the given fault. */
  template(template: Template, unresolved: { readonly policy: string } | "empty"): Code;
  /**
   * An expression (string) for a value read at start. For statements only: constants are made before values are read.
   */
  setting(request: SettingRequest): Code;
  /** The data collector that gateway.yaml declares under this name; null: none. */
  dataCollector(name: string): DataCollectorModel | null;
  /** True for a variable that holds a credential. */
  isSecret(variable: string): boolean;
  /** True when some condition, template or policy reads a variable that begins with this prefix. */
  isRead(prefix: string): boolean;
  /** Adds a statement. */
  line(statement: Code): void;
  /** Ends the step with an expression of type `Maybe<void>`; for `maybe` and `async` steps only. */
  wait(expression: Code): void;
}

export interface PolicyDefinition<M extends PolicyModel = PolicyModel> {
  /** Apigee's element name: `VerifyAPIKey`. */
  readonly kind: string;
  /** Base name of its files in every tree: `verify-api-key`. */
  readonly basename: string;
  /** Where it may run. */
  readonly phases: readonly Phase[];
  /** Prefix of its `<prefix>.<policy>.failed` variable (apigee-policies section 1.3). */
  readonly failedPrefix: string;
  /** Prefixes of variables it sets under its own name: `verifyapikey.<policy>.`. */
  readonly variablePrefixes: readonly string[];
  /** It asks what plain requests have proven. */
  readonly keepsCredentials?: true;
  /** It renews sessions, which every process with the same bundle has to hear. */
  readonly renewsSessions?: true;
  timing(model: M): Timing;
  /** The message that it makes under a name of its own, whose parts are variables then; null for none. */
  makes?(model: M): NamedMessage | null;
  /** Parts of messages that the policy changes; null or no answer: any. Custom variables are told by `writes`. */
  changes?(model: M): readonly MessagePart[] | null;
  /**
   * Variables of messages that the policy writes, for those who read recordings; `message` stands for the flow's own.
   */
  touches?(model: M): readonly string[];
  /** Legality, reads, writes, obligations; called once for each step that stands in a chain. */
  analyze(step: PolicyAnalysis<M>): void;
  /** Statements of one step. */
  emit(step: PolicyEmit<M>): void;
}
