/** What the gateway serves, and which policies stand in the way of each route. */
import { useState } from "preact/hooks";
import type { ViewProps } from "../app.tsx";
import { line } from "../connection.ts";
import { count, counted } from "../format.ts";
import { addressOf } from "../place.ts";
import { usePoll } from "../poll.ts";
import { allRoutes } from "./all-routes.ts";
import { RouteChain } from "./route-chain.tsx";
import { levelTexts, type Route, type RouteRow } from "./route.ts";

/** Rows that are drawn; who has more finds them by typing. */
const SHOWN_MAX = 500;

export function RouteView({ place }: ViewProps) {
  const [typed, setTyped] = useState("");
  const { value, problem } = usePoll(allRoutes, Infinity, "routes");
  const wanted = typed.trim().toLowerCase();
  const found = (value ?? []).filter((route) => wanted === "" || searchText(route).includes(wanted));
  const opened = place.open[0] ?? found[0]?.id ?? null;
  return (
    <div class="routes">
      <div class="bar">
        <h1>Routes</h1>
        <p class="tally" aria-live="polite">
          {value !== null && (
            <>
              <strong>{count(found.length)}</strong> of {count(value.length)}
            </>
          )}
        </p>
        {value !== null && <FrameReport routes={value} />}
      </div>
      {problem !== null && <p class="note">{problem.message}</p>}
      <div class="split">
        <section class="side-list" aria-label="Routes">
          <input
            type="search"
            aria-label="Find a route"
            placeholder="host, path, proxy …"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <ul>
            {found.slice(0, SHOWN_MAX).map((route) => (
              <RouteItem key={route.id} route={route} isOpen={route.id === opened} />
            ))}
          </ul>
          {found.length > SHOWN_MAX && (
            <p class="faint">
              And {counted(found.length - SHOWN_MAX, "more route", "more routes")}: type to find them.
            </p>
          )}
        </section>
        <section class="reading" aria-label="Chain of the route" tabIndex={-1}>
          {opened !== null && <OpenRoute key={opened} id={opened} />}
        </section>
      </div>
    </div>
  );
}

function searchText({ basePath, endpoint, environment, hostnames, proxy }: RouteRow): string {
  return [...hostnames, basePath, environment, proxy, endpoint].join(" ").toLowerCase();
}

/** Which routes do more than pass frames on. */
function FrameReport({ routes }: { readonly routes: readonly RouteRow[] }) {
  const looking = routes.filter(({ webSocket }) => webSocket.level === "messages").length;
  const denied = routes.filter(({ webSocket }) => webSocket.level === "denied").length;
  const reading = routes.filter(({ bodies }) => bodies.length > 0).length;
  return (
    <p class="bar-side faint">
      {`${counted(looking, "route looks", "routes look")} into messages · ${count(denied)} deny WebSocket · ${counted(reading, "route reads", "routes read")} bodies into memory`}
    </p>
  );
}

function RouteItem({ route, isOpen }: { readonly route: RouteRow; readonly isOpen: boolean }) {
  const { basePath, environment, hostnames, proxy, endpoint, webSocket } = route;
  return (
    <li>
      <a
        href={addressOf({ view: "routes", open: [route.id], filter: {} })}
        aria-current={isOpen ? "true" : undefined}
      >
        <span class="item-main mono">{basePath}</span>
        <span
          class="badge"
          data-tone={webSocket.level === "tracked" ? "plain" : webSocket.level === "denied" ? "off" : "warn"}
        >
          {webSocket.level === "denied" ? "HTTP only" : levelTexts[webSocket.level]}
        </span>
        <span class="item-sub">
          {endpoint === "default" ? proxy : `${proxy} / ${endpoint}`} · {environment} · {hostnames.join(", ")}
        </span>
      </a>
    </li>
  );
}

function OpenRoute({ id }: { readonly id: string }) {
  const { value, problem } = usePoll(() => line.get<Route>(`/v1/routes/${encodeURIComponent(id)}`), Infinity, id);
  if (problem !== null) return <p class="note">{problem.message}</p>;
  return value === null ? null : <RouteChain route={value} />;
}
