/** The generated file of one proxy: its exchange, its chains in both forms, and a function for each proxy endpoint. */
import type { EndpointPlan, Plan, ProxyPlan, RulesPlan, TargetPlan } from "../ir/plan.ts";
import type { ProgramTarget } from "../ir/program.ts";
import { flowVariable as flow } from "../flow-variable.ts";
import { gatewayLimits } from "../gateway-limits.ts";
import { secretVariables } from "../secret-variable.ts";
import { settingKey } from "../setting-key.ts";
import { ChainEmitter, block, type Branch } from "./chain.ts";
import { code, comment, identifier, join, literal, type Code } from "./code.ts";
import { conditionCode } from "./condition.ts";
import { FileWriter } from "./file.ts";
import { EXCHANGE_MEMBERS, HASH_PLACEHOLDER, Names } from "./names.ts";
import type { Scope } from "./scope.ts";
import type { StepContext } from "./step.ts";
import { TracedVariables } from "./traced-variables.ts";
import { readVariable, writeVariable, type VariableScope } from "./variable.ts";
import { webSocketRoute } from "./web-socket.ts";

const X = identifier("x");
/** A chain without steps. */
const NOTHING = code`() => {}`;

/** A proxy's file, and the names of the functions that make its programs, by endpoint. */
export interface EmittedProxy {
  readonly file: FileWriter;
  readonly factories: ReadonlyMap<string, string>;
  /** Names of the policies that left code, in the order of the plan. */
  readonly policies: readonly string[];
}

/** Emits one proxy. */
export function emitProxy(plan: Plan, proxyPlan: ProxyPlan, path: string): EmittedProxy {
  return new ProxyEmitter(plan, proxyPlan, path).emit();
}

class ProxyEmitter {
  readonly #plan: Plan;
  readonly #proxy: ProxyPlan;
  readonly #file: FileWriter;
  readonly #context: StepContext;
  readonly #exchange: string;

  constructor(plan: Plan, proxy: ProxyPlan, path: string) {
    this.#plan = plan;
    this.#proxy = proxy;
    const header = `Proxy ${proxy.proxy.name}, compiled from ${proxy.proxy.file}.`;
    this.#file = new FileWriter(path, header, plan.optimisations);
    this.#exchange = this.#emitExchange();
    this.#context = this.#stepContext();
  }

  emit(): EmittedProxy {
    const positions = this.#positions();
    const plainTargets = this.#targets(false);
    const tracedTargets = this.#hasTwins ? this.#targets(true) : null;
    const factories = new Map<string, string>();
    for (const endpoint of this.#proxy.endpoints) {
      const plain = this.#endpoint(endpoint, plainTargets, false);
      const traced = tracedTargets === null ? literal(null) : this.#endpoint(endpoint, tracedTargets, true);
      factories.set(endpoint.endpoint.name, this.#factory(endpoint, plain, traced, positions));
    }
    const names = new Set(this.#proxy.policies.map(({ name }) => name));
    return { file: this.#file, factories, policies: [...names].filter((name) => this.#context.written.has(name)) };
  }

  /** Whether the chains are written in their second form too: where something in the gateway could record. */
  get #hasTwins(): boolean {
    return this.#plan.features.tracing && this.#proxy.proxy.debug;
  }

  #emitExchange(): string {
    const { variables, messages, proxy } = this.#proxy;
    const base = this.#file.import("#runtime/context.ts", "Exchange", "value").text;
    if (variables.length === 0 && messages.length === 0) return base;
    const name = this.#file.names.pascal(`${proxy.name} Exchange`);
    const value = this.#file.type("context.ts", "Value");
    const { fields, messageFields } = this.#fields;
    const own = [...fields].map(([variable, field]) => ({
      name: field,
      type: value,
      value: literal(null),
      doc: variable === field ? "" : variable,
    }));
    const made = messages.map((message) => {
      const type = this.#file.type("message/message.ts", message.type === "request" ? "RequestMessage" : "ResponseMessage");
      const field = messageFields.get(message.name) ?? "";
      return { name: field, type: `${type} | null`, value: literal(null), doc: `The message ${message.name}.` };
    });
    const more = made.length === 0 ? "" : " and the messages that it makes";
    const doc = `An exchange with the variables that ${proxy.name} reads${more}.`;
    this.#file.classes.push({ name, doc, base, fields: [...own, ...made] });
    return name;
  }

  /** Fields of the exchange: those of variables first, as whoever looks at an outcome takes them to be. */
  get #fields(): { fields: ReadonlyMap<string, string>; messageFields: ReadonlyMap<string, string> } {
    const names = new Names(EXCHANGE_MEMBERS);
    const fields = new Map(this.#proxy.variables.map((variable) => [variable, names.camel(variable)]));
    const messages = [...this.#proxy.messages].sort((a, b) => (a.name < b.name ? -1 : 1));
    return { fields, messageFields: new Map(messages.map(({ name }) => [name, names.camel(`${name} message`)])) };
  }

  #stepContext(): StepContext {
    const { fields, messageFields } = this.#fields;
    const isPolicy = new Set(this.#proxy.policies.map((policy) => policy.name));
    const { messages } = this.#proxy;
    const isSecret = secretVariables(this.#proxy.policies);
    const shows = this.#plan.features.debug && this.#hasTwins;
    const scopes = new Map<string, Scope>();
    const inFault = { value: false };
    const context: StepContext = {
      written: new Set(),
      inFault,
      used: this.#proxy.used,
      isSecret,
      traced: shows ? new TracedVariables(this.#proxy, (kind) => context.scope(kind), isSecret) : null,
      dataCollector: (name) => {
        const { observability } = this.#plan.program.gateway;
        return observability?.dataCollectors?.find((collector) => collector.name === name) ?? null;
      },
      reads: this.#proxy.reads,
      setting: (request) => {
        const key = settingKey(request.source instanceof Object ? request.source : { file: request.source }, request.kind);
        const found = this.#plan.settings.find((setting) => setting.key === key);
        if (found === undefined) throw new TypeError("invariant: settings are registered by the analysis");
        return code`${this.#file.import("../settings.ts", "settings", "value")}.${identifier(found.id)}`;
      },
      scope: (kind) => {
        const existing = scopes.get(kind);
        if (existing !== undefined) return existing;
        const variables: VariableScope = {
          file: this.#file,
          messageKind: kind,
          field: (name) => fields.get(name) ?? "",
          messageField: (name) => messageFields.get(name) ?? "",
          proxy: this.#proxy.proxy.name,
          properties: this.#proxy.proxy.properties,
          organization: this.#plan.program.organization,
        };
        const variable: Scope["variable"] = (name) => flow(name, (policy) => isPolicy.has(policy), messages);
        const scope: Scope = {
          file: this.#file,
          messageKind: kind,
          variable,
          known: () => undefined,
          messageType: (name) => messages.find((message) => message.name === name)?.type ?? null,
          namedMessage: (name) => code`${X}.${identifier(messageFields.get(name) ?? "")}`,
          read: (name) => readVariable(variable(name), variables),
          write: (name, value, policy) => {
            const target = variable(name);
            // A custom variable that nobody reads has no place, and needs none.
            if (target.kind === "custom" && !fields.has(name)) return code``;
            return writeVariable(target, value, policy, variables);
          },
        };
        scopes.set(kind, scope);
        return scope;
      },
    };
    return context;
  }

  #positions(): Code {
    const list = this.#proxy.positions.map(({ condition, ...position }) => {
      return condition === null ? position : { ...position, condition };
    });
    return this.#hasTwins && list.length > 0 ? this.#file.constant("positions", literal(list)) : literal([]);
  }

  /** What recordings show of variables; nothing where none can be asked for. */
  #shown(): Code[] {
    const { traced } = this.#context;
    if (traced === null) return [];
    const variables = traced.table(this.#file, this.#exchange);
    return [code`variables: ${variables}`, code`stepVariables: ${traced.uses(this.#file)}`];
  }

  /** Request, response and fault functions of the targets, by name. */
  #targets(traced: boolean): ReadonlyMap<ProgramTarget, TargetChains> {
    const chains = new Map<ProgramTarget, TargetChains>();
    for (const plan of this.#proxy.targets) chains.set(plan.target, this.#target(plan, traced));
    return chains;
  }

  #target(plan: TargetPlan, traced: boolean): TargetChains {
    const { name } = plan.target;
    const emitter = () => new ChainEmitter(this.#file, this.#context, this.#exchange, traced);
    const request = plan.request.length === 0
      ? null
      : emitter().segment(`${name} request`, `Request flow of target endpoint ${name}.`, plan.request, null);
    const fault = this.#rules(`${name} fault`, `Fault rules of target endpoint ${name}.`, plan.faults, emitter());
    return { plan, request, fault };
  }

  #endpoint(endpoint: EndpointPlan, targets: ReadonlyMap<ProgramTarget, TargetChains>, traced: boolean): Code {
    const emitter = new ChainEmitter(this.#file, this.#context, this.#exchange, traced);
    const suffix = this.#proxy.endpoints.length > 1 ? ` ${endpoint.endpoint.name}` : "";
    const route = emitter.function(`route${suffix}`, "Route rules: the first whose condition holds.", this.#routes(endpoint, targets));
    const request = emitter.segment(`request${suffix}`, "Request flow of the proxy endpoint.", endpoint.request, route);
    const response = this.#response(endpoint, targets, suffix, traced);
    const fault = this.#fault(endpoint, targets, suffix, traced);
    const events = this.#events(endpoint, suffix);
    const postClient = this.#postClient(endpoint, suffix, traced);
    const chains: Record<string, Code> = { request, response, fault };
    if (events !== null) chains["events"] = events;
    if (postClient !== null) chains["postClient"] = postClient;
    const sessionEnd = this.#sessionEnd(endpoint, suffix);
    if (sessionEnd !== null) chains["sessionEnd"] = sessionEnd;
    return literal(chains);
  }

  /** EventFlows, the target endpoint's first. Both forms of the chains share them: no trace has their steps. */
  #events(endpoint: EndpointPlan, suffix: string): Code | null {
    const emitter = new ChainEmitter(this.#file, this.#context, this.#exchange, false).direction("response");
    const entered = (flow: Code): Code => code`${this.#file.symbol("eventFlow")}(${X}, ${flow});`;
    const used = this.#usedTargets(endpoint);
    const plans = this.#proxy.targets.filter(({ target, events }) => events.length > 0 && used.includes(target));
    const branches = plans.map(({ target, events }) => {
      const doc = `EventFlow of target endpoint ${target.name}: runs for each event.`;
      const flow = emitter.segment(`${target.name} event${suffix}`, doc, events, null);
      return block(code`${X}.target?.name === ${target.name}`, [entered(flow)]);
    });
    const doc = "EventFlow of the proxy endpoint: runs for each event.";
    const own = endpoint.events.length === 0 ? null : emitter.segment(`event${suffix}`, doc, endpoint.events, null);
    if (own === null && branches.length === 0) return null;
    const last = own === null ? [] : [entered(own)];
    return emitter.function(`events${suffix}`, "Puts the EventFlows into the way of a target's event stream.", [...branches, ...last]);
  }

  #postClient({ postClient }: EndpointPlan, suffix: string, traced: boolean): Code | null {
    if (postClient.length === 0) return null;
    const emitter = new ChainEmitter(this.#file, this.#context, this.#exchange, traced).direction("response");
    return emitter.segment(`post client${suffix}`, "PostClientFlow: the answer has left.", postClient, null);
  }

  /** Both forms of the chains share it: no trace has its steps. */
  #sessionEnd({ sessionEnd }: EndpointPlan, suffix: string): Code | null {
    if (sessionEnd.length === 0) return null;
    const emitter = new ChainEmitter(this.#file, this.#context, this.#exchange, false).direction("response");
    return emitter.segment(`session end${suffix}`, "Session flow: a WebSocket session has ended.", sessionEnd, null);
  }

  #routes(endpoint: EndpointPlan, targets: ReadonlyMap<ProgramTarget, TargetChains>): Code[] {
    const scope = this.#context.scope("request");
    const statements: Code[] = [];
    for (const rule of endpoint.routes) {
      const chains = rule.target === null ? null : (targets.get(rule.target) ?? null);
      const body: Code[] =
        rule.target === null
          ? [comment("A null route: no target."), code`${X}.route = ${rule.name};`]
          : [code`${this.#file.symbol("takeRoute")}(${X}, ${rule.name}, ${rule.target.name});`];
      const onward = chains === null || chains.request === null ? [] : [code`return ${chains.request}(${X});`];
      if (rule.when.kind !== "test") return [...statements, ...body, ...onward];
      const ended = onward.length > 0 ? onward : [code`return;`];
      statements.push(block(conditionCode(rule.when.ast, scope), [...body, ...ended]));
    }
    return [...statements, code`${this.#file.symbol("noRoute")}();`];
  }

  #response(endpoint: EndpointPlan, targets: ReadonlyMap<ProgramTarget, TargetChains>, suffix: string, traced: boolean): Code {
    const emitter = new ChainEmitter(this.#file, this.#context, this.#exchange, traced).direction("response");
    const reached = this.#usedTargets(endpoint);
    const used = reached.filter((target) => (targets.get(target)?.plan.response.length ?? 0) > 0);
    const leave = reached.length === 0 ? [] : [code`${X}.inTarget = false;`];
    if (leave.length === 0 && endpoint.response.length === 0) return NOTHING;
    if (used.length === 0) return emitter.segment(`response${suffix}`, "Response flow.", endpoint.response, null, leave);
    const proxy = emitter.segment(`proxy response${suffix}`, "Response flow of the proxy endpoint.", endpoint.response, null, leave);
    const branches = used.map((target) => {
      const items = targets.get(target)?.plan.response ?? [];
      const name = emitter.segment(`${target.name} response${suffix}`, `Response flow of target endpoint ${target.name}.`, items, proxy);
      return block(code`${X}.target?.name === ${target.name}`, [code`return ${name}(${X});`]);
    });
    return emitter.function(`response${suffix}`, "Response flows: the target endpoint's, then the proxy endpoint's.", [
      ...branches,
      code`return ${proxy}(${X});`,
    ]);
  }

  #fault(endpoint: EndpointPlan, targets: ReadonlyMap<ProgramTarget, TargetChains>, suffix: string, traced: boolean): Code {
    const emitter = new ChainEmitter(this.#file, this.#context, this.#exchange, traced);
    const own = this.#rules(`proxy fault${suffix}`, "Fault rules of the proxy endpoint.", endpoint.faults, emitter);
    const reached = this.#usedTargets(endpoint);
    if (reached.length === 0) return own ?? NOTHING;
    const branches = reached.flatMap((target) => {
      const fault = targets.get(target)?.fault ?? null;
      const test = code`${X}.inTarget && ${X}.target?.name === ${target.name}`;
      return fault === null ? [] : [block(test, [code`return ${fault}(${X});`])];
    });
    const last = own === null ? [] : [block(code`!${X}.inTarget`, [code`return ${own}(${X});`])];
    if (branches.length === 0 && last.length === 0) return NOTHING;
    return emitter.function(`fault${suffix}`, "Fault rules of the endpoint where the fault occurred.", [...branches, ...last]);
  }

  /** A function for a list of fault rules; null when there are none. */
  #rules(name: string, doc: string, rules: RulesPlan, emitter: ChainEmitter): Code | null {
    if (rules.rules.length === 0 && rules.otherwise === null) return null;
    this.#context.inFault.value = true;
    emitter.direction("response");
    const { otherwise } = rules;
    const branches: Branch[] = rules.rules.map(({ name: rule, when, items }) => ({ title: `Fault rule ${rule}`, when, items }));
    let always: Code | null = null;
    if (otherwise !== null) {
      const last = { title: "Default fault rule", when: otherwise.when, items: otherwise.items };
      if (otherwise.always) always = emitter.function(`${name} always`, "The default fault rule, which runs behind every other.", emitter.choose([last], null));
      else branches.push(last);
    }
    const statements = emitter.choose(branches, null);
    this.#context.inFault.value = false;
    const result = statements.length === 0 ? null : emitter.function(name, doc, statements);
    emitter.direction("request");
    const read = (rulesOf: Code | null): Code | null =>
      rulesOf === null
        ? null
        : rules.waits.reduceRight((next, wait) => emitter.reading(`${name} reading`, wait, next), rulesOf);
    if (always === null || result === null) return read(always ?? result);
    // Behind the others even when one of their steps failed.
    const enforced = code`return ${this.#file.symbol("enforce")}(${X}, ${result}, ${always});`;
    return read(emitter.function(`${name} enforced`, "Fault rules, and behind them the default fault rule.", [enforced]));
  }

  #usedTargets(endpoint: EndpointPlan): ProgramTarget[] {
    return [...new Set(endpoint.routes.flatMap((route) => route.target ?? []))];
  }

  /**
   * Written headers belong to the gateway alone; those that flows also read may come from the client, spelled just so.
   */
  #headers(): Code {
    const { ownedHeaders, reads } = this.#proxy;
    const scope = this.#context.scope("request");
    const read = [...reads].map((name) => scope.variable(name)).flatMap((v) => (v.kind === "header" && v.message !== "response" ? [v.name] : []));
    const names = [...new Set(read)].sort();
    const written = ownedHeaders.filter((name) => !names.includes(name));
    const type = this.#file.type("message/header-ownership.ts", "HeaderOwnership");
    return this.#file.constant("headers", code`${this.#file.symbol("headerOwnership")}(${written}, ${names})`, type);
  }

  /** Which exchanges are recorded for a collector; nothing where the gateway names none. */
  #sampling(): readonly Code[] {
    const { sampling } = this.#proxy;
    if (sampling === null) return [];
    const { when } = sampling;
    const share = when.kind === "always" ? 1 : sampling.share;
    const test = when.kind !== "test" || share === 1 ? literal(null) : code`(x) => ${conditionCode(when.ast, this.#context.scope("request"))}`;
    const type = this.#file.type("otlp/exchange-span.ts", "Sampling");
    return [code`sampling: ${this.#file.constant("sampling", code`{ share: ${share}, when: ${test} }`, type)}`];
  }

  #webSocket(endpoint: EndpointPlan): Code {
    const route = webSocketRoute(endpoint, gatewayLimits(this.#plan.program.gateway), this.#file);
    return this.#file.constant("web socket", route, this.#file.type("program.ts", "WebSocketRoute"));
  }

  #keepsCredentials(): boolean {
    return this.#proxy.policies.some(({ definition }) => definition.keepsCredentials);
  }

  #factory(endpoint: EndpointPlan, plain: Code, traced: Code, positions: Code): string {
    const { proxy } = this.#proxy;
    const isOnly = this.#proxy.endpoints.length === 1;
    const name = this.#file.names.camel(isOnly ? proxy.name : `${proxy.name} ${endpoint.endpoint.name}`);
    const programType = this.#file.type("program.ts", "ProxyProgram");
    const targetsType = this.#file.type("program.ts", "Targets");
    const exchange = identifier(this.#exchange);
    const program = [
      code`proxy: ${proxy.name}`,
      code`endpoint: ${endpoint.endpoint.name}`,
      code`environment`,
      code`basePath: ${endpoint.endpoint.basePath}`,
      code`baseSegments: ${endpoint.endpoint.segments.length}`,
      code`hash: ${identifier(HASH_PLACEHOLDER)}`,
      code`webSocket: ${this.#webSocket(endpoint)}`,
      code`apiTimeoutMs: ${endpoint.endpoint.apiTimeoutMs}`,
      ...(endpoint.endpoint.requestBytesMax === null ? [] : [code`requestBytesMax: ${endpoint.endpoint.requestBytesMax}`]),
      ...(endpoint.endpoint.compression === null
        ? []
        : [code`compression: ${this.#file.symbol("compression")}(${endpoint.endpoint.compression})`]),
      code`targets`,
      ...([...this.#proxy.reads].some(isClientTime) ? [code`readsClientTimes: true`] : []),
      ...([...this.#proxy.reads].some(isTargetTime) ? [code`readsTargetTimes: true`] : []),
      ...(this.#keepsCredentials() ? [code`keepsCredentials: true`] : []),
      code`headers: ${this.#headers()}`,
      code`positions: ${positions}`,
      ...this.#sampling(),
      ...this.#shown(),
      code`open: (start) => new ${exchange}(start)`,
      code`plain: ${plain}`,
      code`traced: ${traced}`,
    ];
    this.#file.functions.push({
      name,
      doc: `Proxy endpoint ${endpoint.endpoint.name} on ${endpoint.endpoint.basePath}, in one environment.`,
      isExported: true,
      parameters: [
        { name: "environment", type: "string" },
        { name: "targets", type: targetsType },
      ],
      returns: programType,
      statements: [join([code`return {`, ...program.map((line) => code`${line},`), code`};`], "\n")],
    });
    return name;
  }
}

interface TargetChains {
  readonly plan: TargetPlan;
  readonly request: Code | null;
  readonly fault: Code | null;
}

/** True for variables that somebody has to take down while an answer leaves. */
function isClientTime(name: string): boolean {
  return name.startsWith("client.sent.");
}

/** True for variables that somebody has to take down while the target is asked. */
function isTargetTime(name: string): boolean {
  return /^target\.(?:sent|received)\./.test(name);
}
