/** Begins a Debug session. */
import type { TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { line, Refusal } from "../connection.ts";
import { usePoll } from "../poll.ts";
import { allRoutes, choices } from "../routes/all-routes.ts";
import type { DebugSession } from "./transaction.ts";

/** The API's own bounds. */
const COUNT_MAX = 100;
const TIMEOUT_MAX_S = 600;

export function StartForm({ onStarted }: { readonly onStarted: (id: string) => void }) {
  const routes = usePoll(allRoutes, Infinity, "routes");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const proxies = choices(routes.value, "proxy");
  const environments = choices(routes.value, "environment");
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? "").trim();
    setBusy(true);
    try {
      const wish = {
        proxy: text("proxy"),
        count: Number(text("count")),
        timeout: Number(text("timeout")),
        ...(text("environment") === "" ? {} : { environment: text("environment") }),
        ...(text("filter") === "" ? {} : { filter: text("filter") }),
      };
      const { id } = await line.post<DebugSession>("/v1/debugSessions", wish);
      setProblem(null);
      onStarted(id);
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      setProblem(refused.message);
    }
    setBusy(false);
  };
  return (
    <form class="start-form" aria-label="New Debug session" onSubmit={(event) => void submit(event)}>
      <label>
        Proxy
        <select name="proxy" required>
          {proxies.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Environment
        <select name="environment">
          <option value="">all</option>
          {environments.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="wide">
        <span>Filter, a condition</span>
        <input
          type="text"
          class="mono"
          name="filter"
          spellcheck={false}
          autocomplete="off"
          placeholder={'empty: all · request.header.x-room = "7"'}
        />
      </label>
      <label>
        Exchanges
        <input type="number" name="count" min={1} max={COUNT_MAX} required defaultValue="10" />
      </label>
      <label>
        Seconds
        <input type="number" name="timeout" min={1} max={TIMEOUT_MAX_S} required defaultValue="300" />
      </label>
      <button type="submit" class="main" disabled={isBusy || proxies.length === 0}>
        Start
      </button>
      <p class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
