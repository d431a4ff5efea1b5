/** One transaction: what was asked, each step as a waterfall, both messages at both ends, how it ended. */
import type { ComponentChildren } from "preact";
import { line } from "../connection.ts";
import { count, counted, duration, fineDuration, moment, size } from "../format.ts";
import { usePoll } from "../poll.ts";
import { MessagePanels } from "./message-panels.tsx";
import { toneOf, type Close, type Transaction } from "./transaction.ts";
import { Waterfall } from "./waterfall.tsx";

const REFRESH_MS = 1_000;

export function TransactionReading({ session, id }: { readonly session: string; readonly id: string }) {
  const path = `/v1/debugSessions/${encodeURIComponent(session)}/transactions/${encodeURIComponent(id)}`;
  const { value, problem } = usePoll(() => line.get<Transaction>(path), REFRESH_MS, path);
  if (problem !== null)
    return <p class="note">{problem.status === 404 ? "This transaction is no longer kept." : problem.message}</p>;
  if (value === null) return null;
  const { fault, messages } = value;
  return (
    <article class="transaction">
      <Head transaction={value} />
      {fault !== null && (
        <p class="fault" role="status">
          <strong>{fault.name}</strong> {fault.message}{" "}
          <span class="mono faint">
            {fault.code}
            {fault.policy === null ? "" : ` in ${fault.policy}`}
          </span>
        </p>
      )}
      <Waterfall transaction={value} />
      {value.stepsDropped > 0 && <p class="faint">{count(value.stepsDropped)} further steps were not kept.</p>}
      {value.isCut === true && <p class="faint">It was too large: bodies, YAML, variables or headers were left out.</p>}
      {value.status === 101 && <CloseFacts close={value.close} />}
      {messages !== undefined && <MessagePanels messages={messages} />}
    </article>
  );
}

function Head({ transaction }: { readonly transaction: Transaction }) {
  const {
    client,
    durationMs,
    environment,
    endpoint,
    host,
    kind,
    method,
    path,
    proxy,
    route,
    startedAt,
    status,
    target,
  } = transaction;
  return (
    <header class="chain-head">
      <h2>
        <span class="mono">
          {method} {path}
        </span>{" "}
        <span class="badge" data-tone={toneOf(transaction)}>
          {status}
        </span>
      </h2>
      <dl class="line-facts">
        <Fact name="At">{moment(startedAt)}</Fact>
        <Fact name={kind === "websocket" && status === 101 ? "Handshake" : "Took"}>{fineDuration(durationMs)}</Fact>
        <Fact name="Host">{host}</Fact>
        <Fact name="Client">
          <span class="mono">{client.address}</span>
        </Fact>
        <Fact name="Proxy">
          {proxy} / {endpoint} in {environment}
        </Fact>
        <Fact name="Route rule">{route ?? "none"}</Fact>
        <Fact name="Target">
          {target === null
            ? "none"
            : target.server === null
              ? target.endpoint
              : `${target.endpoint}: ${target.server}`}
        </Fact>
        {target !== null && target.failedServers.length > 0 && (
          <Fact name="Failed before">{target.failedServers.join(", ")}</Fact>
        )}
      </dl>
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function CloseFacts({ close }: { readonly close: Close | null }) {
  return (
    <section aria-label="Close">
      <h3>Connection</h3>
      {close === null ? (
        <p class="state" data-state="open">
          open
        </p>
      ) : (
        <dl class="line-facts">
          <Fact name="Closed by">{close.closedBy}</Fact>
          <Fact name="Reason">{close.reason}</Fact>
          <Fact name="Code">
            <span class="mono">{close.code}</span>
          </Fact>
          {close.text !== "" && (
            <Fact name="Text">
              <q>{close.text}</q>
            </Fact>
          )}
          {close.timer !== null && <Fact name="Timer">{close.timer}</Fact>}
          <Fact name="After">
            {duration(close.durationMs)}
            {close.forced ? ", reset" : ""}
          </Fact>
          <Fact name="From client">
            {size(close.bytesFromClient)} in {counted(close.framesFromClient, "frame")}
          </Fact>
          <Fact name="From target">
            {size(close.bytesFromTarget)} in {counted(close.framesFromTarget, "frame")}
          </Fact>
        </dl>
      )}
    </section>
  );
}
