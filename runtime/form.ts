/** Reads small urlencoded bodies for the policies that look at form parameters; everything else streams on untouched. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Limits } from "./limits.ts";

/**
 * Calls back with the form and its bytes, or with nulls where the request has no such body or one above
 * limits.formBytesMax: then nothing has been read of it.
 */
export function readForm(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  limits: Limits,
  done: (form: URLSearchParams | null, body: Buffer | null) => void,
): void {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  const length = Number(incoming.headers["content-length"] ?? "NaN");
  if (type !== "application/x-www-form-urlencoded" || !(length <= limits.formBytesMax)) return done(null, null);
  if (incoming.headers.expect !== undefined && incoming.httpVersion !== "1.0") outgoing.writeContinue();
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => void chunks.push(chunk));
  incoming.once("end", () => {
    const body = Buffer.concat(chunks);
    done(new URLSearchParams(body.toString("utf8")), body);
  });
}
