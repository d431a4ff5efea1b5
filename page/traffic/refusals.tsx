/** What was answered with 400 or more, by fault and by the policy that raised it. */
import { count } from "../format.ts";
import type { Stats } from "./stats.ts";

const COUNT = "sum(message_count)";
const ROWS_MAX = 12;
const NOT_SET = "(not set)";

export function Refusals({ refusals }: { readonly refusals: Stats }) {
  const rows = [...refusals.groups]
    .sort((a, b) => (b.totals[COUNT] ?? 0) - (a.totals[COUNT] ?? 0))
    .slice(0, ROWS_MAX);
  const most = Math.max(...rows.map(({ totals }) => totals[COUNT] ?? 0), 1);
  return (
    <figure class="chart">
      <figcaption>
        <h2>Refused, by fault and policy</h2>
        <span class="faint">{count(refusals.total[COUNT] ?? 0)} answered with 400 or more</span>
      </figcaption>
      {rows.length === 0 ? (
        <p class="empty">Nothing was refused.</p>
      ) : (
        <div class="sideways">
          <table class="small refusals">
            <thead>
              <tr>
                <th scope="col">Status</th>
                <th scope="col">Fault</th>
                <th scope="col">Policy</th>
                <th scope="col">Proxy</th>
                <th scope="col" data-kind="number">
                  Count
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ dimensions, totals }) => {
                const value = totals[COUNT] ?? 0;
                return (
                  <tr key={JSON.stringify(dimensions)}>
                    <td class="mono">{dimensions["response_status_code"]}</td>
                    <th scope="row">
                      {named(
                        dimensions["ax_edge_execution_fault_code"],
                        dimensions["apiproxy"] === NOT_SET ? "–" : "from the target",
                      )}
                    </th>
                    <td>{named(dimensions["ax_execution_fault_policy_name"], "–")}</td>
                    <td>{named(dimensions["apiproxy"], "no route")}</td>
                    <td data-kind="number">
                      <span class="share" style={{ width: `${(value / most) * 56}px` }} aria-hidden="true" />
                      {count(value)}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </figure>
  );
}

function named(value: string | undefined, otherwise: string) {
  return value === undefined || value === NOT_SET ? <span class="faint">{otherwise}</span> : value;
}
