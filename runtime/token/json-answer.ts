/** Answers of OAuth as JSON (RFC 6749 section 5): they hold credentials or refuse them, so no cache may keep them. */
import { ResponseMessage } from "../message/message.ts";

/** An answer that nobody may keep. */
export function jsonAnswer(content: string, status = 200): ResponseMessage {
  const lines = ["Content-Type", "application/json", "Cache-Control", "no-store", "Pragma", "no-cache"];
  const response = new ResponseMessage(status, "", lines);
  response.content = content;
  return response;
}
