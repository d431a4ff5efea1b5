/** What policies took, step by step, in the exchanges that the gateway timed: upgrades, plain HTTP, or both. */
import { line } from "../connection.ts";
import { clock, count, counted, fineDuration } from "../format.ts";
import { usePoll } from "../poll.ts";

/** The answer of `GET /v1/policyTimes`. */
interface PolicyTimesAnswer {
  readonly every: number;
  readonly since: string;
  readonly exchanges: number;
  readonly steps: readonly StepTime[];
  readonly stepsLeftOut: number;
}

interface StepTime {
  readonly environment: string;
  readonly proxy: string;
  readonly endpoint: string;
  readonly policy: string;
  readonly type: string;
  readonly flow: string;
  readonly file: string;
  readonly line: number;
  readonly count: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

const REFRESH_MS = 5_000;
const ROWS_MAX = 15;
const BAR_PX = 56;

/** `asked`: the kind as the gateway names it. The first stands in the address as nothing. */
const kinds = [
  { name: "", asked: "handshake", title: "of handshakes", one: "handshake" },
  { name: "http", asked: "http", title: "of HTTP exchanges", one: "HTTP exchange" },
  { name: "all", asked: "", title: "of all exchanges", one: "exchange" },
] as const;

interface PolicyTimesProps {
  /** "": all of them. */
  readonly proxy: string;
  /** Name of a kind as the address has it. */
  readonly kind: string;
  readonly onKind: (kind: string) => void;
}

export function PolicyTimes({ proxy, kind, onKind }: PolicyTimesProps) {
  const chosen = kinds.find(({ name }) => name === kind) ?? kinds[0];
  const { value, problem } = usePoll(
    () => line.get<PolicyTimesAnswer>("/v1/policyTimes", { proxy, kind: chosen.asked, limit: ROWS_MAX }),
    REFRESH_MS,
    `${proxy} ${chosen.name}`,
  );
  return (
    <figure class="chart wide">
      <figcaption>
        <h2>Time by policy</h2>
        <label class="pick">
          <span class="unseen">Exchanges</span>
          <select value={chosen.name} onChange={(event) => onKind(event.currentTarget.value)}>
            {kinds.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        {value !== null && (
          <span class="faint">
            {counted(value.exchanges, chosen.one)} timed since {clock(value.since)}
            {value.every === 1 ? "" : `, one of ${count(value.every)}`}
          </span>
        )}
      </figcaption>
      {problem?.status === 404 && (
        <p class="empty">
          Policies are not timed. <code>observability: {"{ policyTimes: 100 }"}</code> in gateway.yaml times those of
          every hundredth exchange.
        </p>
      )}
      {problem !== null && problem.status !== 404 && <p class="empty">{problem.message}</p>}
      {value !== null && <Steps {...value} />}
    </figure>
  );
}

function Steps({ steps, stepsLeftOut }: PolicyTimesAnswer) {
  if (steps.length === 0) return <p class="empty">No policy has been timed yet.</p>;
  const most = Math.max(...steps.map(({ totalMs }) => totalMs)) || 1;
  return (
    <div class="sideways">
      <table class="small step-times">
        <thead>
          <tr>
            <th scope="col">Policy</th>
            <th scope="col">Kind</th>
            <th scope="col">Where</th>
            <th scope="col" data-kind="number">
              Mean
            </th>
            <th scope="col" data-kind="number">
              95 % within
            </th>
            <th scope="col" data-kind="number">
              Longest
            </th>
            <th scope="col" data-kind="number">
              Ran
            </th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step, at) => (
            <tr key={at}>
              <th scope="row">
                {step.policy}
                <span class="item-sub mono">
                  {step.file}:{step.line}
                </span>
              </th>
              <td>{step.type}</td>
              <td>
                {step.flow}
                <span class="item-sub">
                  {step.endpoint === "default" ? step.proxy : `${step.proxy} / ${step.endpoint}`} · {step.environment}
                </span>
              </td>
              <td data-kind="number">
                <span
                  class="share plain"
                  style={{ width: `${(step.totalMs / most) * BAR_PX}px` }}
                  title="its share of the time that policies took"
                />
                {fineDuration(step.meanMs)}
              </td>
              <td data-kind="number">{fineDuration(step.p95Ms)}</td>
              <td data-kind="number">{fineDuration(step.maxMs)}</td>
              <td data-kind="number">{count(step.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {stepsLeftOut > 0 && <p class="faint">And {counted(stepsLeftOut, "more step")} that took less.</p>}
    </div>
  );
}
