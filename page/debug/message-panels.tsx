/** Both messages of an exchange at both ends of the gateway. Whatever they hold is text. */
import { fineDuration } from "../format.ts";
import type { Message, Transaction } from "./transaction.ts";

export function MessagePanels({ messages }: { readonly messages: NonNullable<Transaction["messages"]> }) {
  const { request, response, targetRequest, targetResponse } = messages;
  return (
    <section aria-label="Messages">
      <h3>Messages</h3>
      <div class="messages">
        <MessagePanel title="Request as it came" message={request} />
        <MessagePanel title="Request to the target" message={targetRequest} />
        <MessagePanel title="Response as it left" message={response} />
        <MessagePanel title="Response of the target" message={targetResponse} />
      </div>
    </section>
  );
}

function MessagePanel({ title, message }: { readonly title: string; readonly message: Message | null }) {
  return (
    <section class="message" aria-label={title}>
      <h4>
        {title}
        {message?.afterMs === undefined ? null : <span class="faint"> after {fineDuration(message.afterMs)}</span>}
      </h4>
      {message === null ? (
        <p class="faint">none</p>
      ) : (
        <>
          <p class="mono start-line">{startLine(message)}</p>
          <table class="small variables">
            <caption class="unseen">Headers</caption>
            <tbody>
              {message.headers.map(({ name, value }, at) => (
                <tr key={at}>
                  <th scope="row" class="mono">
                    {name}
                  </th>
                  <td class="mono">{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {message.body !== null && (
            <pre class="mono" tabIndex={0}>
              {message.body}
            </pre>
          )}
        </>
      )}
    </section>
  );
}

function startLine({ method, path, query, status, version }: Message): string {
  if (status !== undefined) return String(status);
  const target = query === null || query === undefined || query === "" ? path : `${path ?? ""}?${query}`;
  return `${method ?? ""} ${target ?? ""} HTTP/${version ?? "1.1"}`;
}
