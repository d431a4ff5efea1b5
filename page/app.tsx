/** The frame around all views: where one can go, whether the gateway answers, light or dark, the secret. */
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { line, type LineState } from "./connection.ts";
import { addressOf, usePlace, type Place } from "./place.ts";
import { DebugView } from "./debug/debug-view.tsx";
import { RouteView } from "./routes/route-view.tsx";
import { SessionView } from "./sessions/session-view.tsx";
import { SignIn } from "./sign-in.tsx";
import { TrafficView } from "./traffic/traffic-view.tsx";
import { applyTheme, storedTheme, type Theme } from "./theme.ts";

/** What a view is given. */
export interface ViewProps {
  readonly place: Place;
}

const views: readonly { readonly name: string; readonly title: string; readonly view: ComponentType<ViewProps> }[] = [
  { name: "sessions", title: "Sessions", view: SessionView },
  { name: "traffic", title: "Traffic", view: TrafficView },
  { name: "routes", title: "Routes", view: RouteView },
  { name: "debug", title: "Debug", view: DebugView },
];

export function App() {
  const state = useLine();
  const place = usePlace();
  const current = views.find(({ name }) => name === place.view) ?? views[0];
  useEffect(() => {
    document.title = `${current?.title ?? "apigw"} · ${location.host} · apigw`;
  }, [current]);
  if (current === undefined) return null;
  const View = current.view;
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <header class="frame-head">
        <span class="brand">
          <Pulse />
          apigw
        </span>
        <nav aria-label="Views">
          {views.map(({ name, title }) => (
            <a
              key={name}
              href={addressOf({ view: name, open: [], filter: {} })}
              aria-current={name === current.name ? "page" : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
        <span class="frame-side">
          <LineMark state={state} />
          <ThemeSwitch />
          {line.needsSecret && state !== "asking" && (
            <button type="button" class="quiet" onClick={() => line.lock()}>
              Forget secret
            </button>
          )}
        </span>
      </header>
      {state === "gone" && <GoneBanner />}
      <main id="main" tabIndex={-1}>
        {state === "asking" ? null : <View place={place} />}
      </main>
      {state === "asking" && <SignIn />}
    </>
  );
}

/** The state of the line, followed as it changes. */
function useLine(): LineState {
  const [state, setState] = useState(line.state);
  useEffect(() => line.watch(() => setState(line.state)), []);
  return state;
}

function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Pulse() {
  return (
    <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
      <rect width="16" height="16" rx="4" class="brand-ground" />
      <path d="M3 8h3l1.5-4 2 8L11 8h2" class="brand-line" />
    </svg>
  );
}

const lineTexts: Readonly<Record<LineState, string>> = { asking: "Locked", gone: "No answer", ready: "Live" };

function LineMark({ state }: { readonly state: LineState }) {
  return (
    <span class="line-mark" data-state={state} role="status">
      <span class="dot" aria-hidden="true" />
      {lineTexts[state]}
      <span class="line-host">{location.host}</span>
    </span>
  );
}

/** Says so, says when it tries again, and leaves everything else as it was. */
function GoneBanner() {
  const [left, setLeft] = useState(leftSeconds);
  useEffect(() => {
    const timer = setInterval(() => setLeft(leftSeconds()), 250);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="banner" role="alert">
      <span>The gateway does not answer. What you see is as it was.</span>
      <span class="banner-wait" aria-hidden="true">
        {left > 0 ? `Trying again in ${left} s` : "Trying again …"}
      </span>
      <button type="button" onClick={() => void line.knock()}>
        Try now
      </button>
    </div>
  );
}

function leftSeconds(): number {
  return Math.max(Math.ceil((line.knockAtMs - Date.now()) / 1_000), 0);
}

const themes: readonly { readonly theme: Theme; readonly title: string; readonly mark: ComponentChildren }[] = [
  {
    theme: "light",
    title: "Light",
    mark: (
      <path d="M8 4.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8ZM8 1v1.4M8 13.6V15M1 8h1.4M13.6 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1" />
    ),
  },
  { theme: "auto", title: "As the system", mark: <path d="M2 3.5h12v7.5H2zM6 14h4M8 11v3" /> },
  { theme: "dark", title: "Dark", mark: <path d="M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z" /> },
];

function ThemeSwitch() {
  const [chosen, setChosen] = useState(storedTheme);
  const choose = (theme: Theme): void => {
    applyTheme(theme);
    setChosen(theme);
  };
  return (
    <fieldset class="theme">
      <legend class="unseen">Colours</legend>
      {themes.map(({ theme, title, mark }) => (
        <label key={theme} title={title}>
          <input class="unseen" type="radio" name="theme" checked={theme === chosen} onChange={() => choose(theme)} />
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            {mark}
          </svg>
          <span class="unseen">{title}</span>
        </label>
      ))}
    </fieldset>
  );
}
