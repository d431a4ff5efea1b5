/** One session, followed while it lives. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { line } from "../connection.ts";
import { count, duration, moment, size } from "../format.ts";
import { usePoll } from "../poll.ts";
import { emailOf, type SessionDetail } from "./session.ts";

const REFRESH_MS = 1_000;

export interface SessionPanelProps {
  readonly id: string;
  readonly onClose: () => void;
  /** `label`: what the session is, for the question whether to end it. */
  readonly onEnd: (label: string) => void;
}

export function SessionPanel({ id, onClose, onEnd }: SessionPanelProps) {
  const head = useRef<HTMLHeadingElement>(null);
  const { value, problem } = usePoll(
    () => line.get<SessionDetail>(`/v1/sessions/${encodeURIComponent(id)}`),
    REFRESH_MS,
    id,
  );
  useEffect(() => head.current?.focus(), []);
  const last = useRef<SessionDetail | null>(null);
  if (value !== null) last.current = value;
  const session = last.current;
  const isGone = problem?.status === 404;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onClose();
  };
  return (
    <aside class="panel" aria-label="Session" onKeyDown={onKeyDown}>
      <div class="panel-head">
        <h2 ref={head} tabIndex={-1}>
          {session === null ? "Session" : session.proxy}
        </h2>
        {session !== null && (
          <span class="state" data-state={isGone ? "closed" : session.state}>
            {isGone ? "ended" : session.state}
          </span>
        )}
        <button type="button" class="quiet close" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </div>
      <p class="mono id">{id}</p>
      {isGone && (
        <p class="note" role="status">
          This session has ended{session === null ? "." : "; below is its last state."}
        </p>
      )}
      {problem !== null && !isGone && (
        <p class="note" role="status">
          {problem.message}
        </p>
      )}
      {session !== null && <SessionFacts session={session} />}
      {session !== null && !isGone && (
        <button type="button" class="danger" onClick={() => onEnd(`${session.proxy} from ${session.clientAddress}`)}>
          End session …
        </button>
      )}
    </aside>
  );
}

function SessionFacts({ session }: { readonly session: SessionDetail }) {
  const { traffic } = session;
  return (
    <>
      <dl class="facts">
        <Fact name="Client">
          <span class="mono">{session.clientAddress}</span>
        </Fact>
        <Fact name="Environment">{session.environment}</Fact>
        <Fact name="Endpoint">{session.endpoint}</Fact>
        <Fact name="Target">{session.target}</Fact>
        <Fact name="App">{session.app}</Fact>
        <Fact name="Developer">{session.developer === null ? null : emailOf(session.developer)}</Fact>
        <Fact name="Product">{session.product}</Fact>
        <Fact name="Key">
          <span class="mono">{session.keyFingerprint}</span>
        </Fact>
        <Fact name="Since">{moment(session.startedAt)}</Fact>
        <Fact name="Age">{duration(session.ageMs)}</Fact>
      </dl>
      <h3>Traffic</h3>
      {traffic === null ? (
        <p class="faint">None before the 101.</p>
      ) : (
        <table class="small">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" data-kind="number">
                Bytes
              </th>
              <th scope="col" data-kind="number">
                Frames
              </th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Client</th>
              <td data-kind="number">{size(traffic.bytesFromClient)}</td>
              <td data-kind="number">{count(traffic.framesFromClient)}</td>
            </tr>
            <tr>
              <th scope="row">Target</th>
              <td data-kind="number">{size(traffic.bytesFromTarget)}</td>
              <td data-kind="number">{count(traffic.framesFromTarget)}</td>
            </tr>
          </tbody>
        </table>
      )}
      <h3>Credentials</h3>
      {session.credentials.length === 0 ? (
        <p class="faint">Admitted without any.</p>
      ) : (
        <table class="small">
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col">Policy</th>
              <th scope="col" data-kind="number">
                Expires in
              </th>
            </tr>
          </thead>
          <tbody>
            {session.credentials.map(({ kind, policy, expiresAt }, at) => (
              <tr key={at}>
                <td>{kind}</td>
                <td>{policy}</td>
                <td data-kind="number" title={expiresAt === null ? undefined : moment(expiresAt)}>
                  {expiresAt === null ? "never" : duration(Date.parse(expiresAt) - Date.now())}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Events events={session.events} />
    </>
  );
}

const eventTexts: Readonly<Record<string, string>> = {
  open: "101 sent",
  pauseClient: "client paused",
  resumeClient: "client goes on",
  pauseTarget: "target paused",
  resumeTarget: "target goes on",
  finClient: "client ended",
  finTarget: "target ended",
  lostClient: "client lost",
  lostTarget: "target lost",
  closing: "closing",
  closeGrace: "no frame boundary in time",
  closeTimeout: "reset",
};

/** What the flight recorder has of it. */
function Events({ events }: { readonly events: SessionDetail["events"] }) {
  if (events === undefined || events.length === 0) return null;
  return (
    <>
      <h3>Last events</h3>
      <table class="small">
        <thead>
          <tr>
            <th scope="col">After</th>
            <th scope="col">Event</th>
            <th scope="col" data-kind="number">
              From client
            </th>
            <th scope="col" data-kind="number">
              From target
            </th>
          </tr>
        </thead>
        <tbody>
          {events.map(({ atMs, bytesFromClient, bytesFromTarget, count: times, event, reason }, at) => (
            <tr key={at}>
              <td>{duration(atMs)}</td>
              <td>
                {eventTexts[event] ?? event}
                {reason === null ? "" : `: ${reason}`}
                {times > 1 && <span class="faint"> × {count(times)}</span>}
              </td>
              <td data-kind="number">{size(bytesFromClient)}</td>
              <td data-kind="number">{size(bytesFromTarget)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children?: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children ?? (
          <span class="none" aria-label="none">
            –
          </span>
        )}
      </dd>
    </div>
  );
}
