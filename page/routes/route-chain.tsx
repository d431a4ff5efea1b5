/** The chain of one route from the client to the target and back, as the bundle's files say it. */
import type { ComponentChildren } from "preact";
import { levelTexts, type Flow, type Route, type Stage, type StageName, type Step } from "./route.ts";

const stageTitles: Readonly<Record<StageName, string>> = {
  request: "Request",
  targetRequest: "To the target",
  targetResponse: "From the target",
  response: "Response",
  events: "Each server-sent event",
  postClient: "After the answer",
  fault: "Fault rules",
  targetFault: "Fault rules of the target endpoint",
};
const before: readonly StageName[] = ["request"];
const behind: readonly StageName[] = ["targetResponse", "response", "events", "postClient", "fault", "targetFault"];

export function RouteChain({ route }: { readonly route: Route }) {
  const { bodies, rules, stages, targets, webSocket } = route;
  const of = (names: readonly StageName[]): readonly Stage[] =>
    names.flatMap((name) => stages.filter(({ stage }) => stage === name));
  return (
    <>
      <header class="chain-head">
        <h2 class="mono">{route.basePath}</h2>
        <p class="faint">
          {route.hostnames.join(", ")} · {route.environment} · {route.proxy} / {route.endpoint} ·{" "}
          <span class="mono">{route.at}</span>
        </p>
        <p class="frames" data-level={webSocket.level}>
          <strong>{frameText(route)}</strong>
          {webSocket.why !== null && <> because {webSocket.why}</>}
        </p>
        {bodies.map(({ body, why }) => (
          <p key={`${body} ${why}`} class="frames">
            Reads {body === "form" ? "forms" : `${body}s`} into memory: {why}
          </p>
        ))}
      </header>
      <ol class="chain">
        <End
          name="Client"
          note={
            webSocket.mode === "only"
              ? "upgrades only"
              : webSocket.mode === "deny"
                ? "plain HTTP only"
                : "HTTP and upgrades"
          }
        />
        {of(before).map((stage) => (
          <StageItem key={stage.stage} stage={stage} />
        ))}
        <li class="stage">
          <h3>Route rules</h3>
          <ul class="rules">
            {rules.map(({ condition, name, target }) => (
              <li key={name}>
                <span class="rule-name">{name}</span>
                <Condition text={condition} otherwise="always" />
                <span class="rule-target">→ {target ?? "nobody (null route)"}</span>
              </li>
            ))}
          </ul>
        </li>
        {of(["targetRequest"]).map((stage) => (
          <StageItem key={stage.target ?? ""} stage={stage} />
        ))}
        {targets.map(({ name, to }) => (
          <End key={name} name={`Target ${name}`} note={to} />
        ))}
        {of(behind).map((stage) => (
          <StageItem key={`${stage.stage} ${stage.target ?? ""}`} stage={stage} />
        ))}
      </ol>
    </>
  );
}

function frameText({ webSocket }: Route): string {
  if (webSocket.level === "denied") return "Upgrades are denied";
  return webSocket.level === "messages"
    ? "Policies look into messages"
    : `Frames pass: only ${levelTexts.tracked} are looked at`;
}

function End({ name, note }: { readonly name: string; readonly note: string }) {
  return (
    <li class="chain-end">
      <strong>{name}</strong> <span class="mono faint">{note}</span>
    </li>
  );
}

function StageItem({ stage }: { readonly stage: Stage }) {
  const { flows, stage: name, target } = stage;
  return (
    <li class="stage" data-stage={name}>
      <h3>
        {stageTitles[name]}
        {target === undefined ? null : <span class="stage-target"> {target}</span>}
      </h3>
      {flows.map((flow, at) => (
        <FlowItem key={at} flow={flow} />
      ))}
    </li>
  );
}

function FlowItem({ flow }: { readonly flow: Flow }) {
  return (
    <section class="flow" aria-label={flow.name}>
      <h4>
        {flow.name}
        <Condition text={flow.condition} />
      </h4>
      <Steps steps={flow.steps} />
    </section>
  );
}

function Steps({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ol class="steps">
      {steps.map((step, at) => (
        <li key={at} data-never={step.never !== undefined}>
          <div class="step">
            <span class="step-name">{step.policy}</span>
            <span class="badge">{step.type}</span>
            <Condition text={step.condition} />
            {step.never !== undefined && <span class="never">never runs: {step.never}</span>}
            <span class="where mono" title={`${step.file}:${step.line}`}>
              {step.at}
            </span>
          </div>
          {step.steps !== undefined && <Steps steps={step.steps} />}
        </li>
      ))}
    </ol>
  );
}

function Condition({ text, otherwise }: { readonly text: string | null; readonly otherwise?: ComponentChildren }) {
  if (text === null) return otherwise === undefined ? null : <span class="faint">{otherwise}</span>;
  return (
    <span class="condition">
      <span class="unseen">if </span>
      <code>{text}</code>
    </span>
  );
}
