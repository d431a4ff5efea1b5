import { describe, expect, test } from "vitest";
import { ResponseMessage } from "#runtime/message/message.ts";
import { announcesBody, answerFraming, type AnswerFraming } from "#runtime/target/answer-framing.ts";

describe("answerFraming", () => {
  test.each<[number, readonly string[], string, AnswerFraming | string]>([
    [200, ["Content-Length", "5"], "1.1", { kind: "length", bytes: 5 }],
    [200, ["Content-Length", "0"], "1.1", { kind: "none", bytes: 0 }],
    [200, ["Transfer-Encoding", "Chunked"], "1.1", { kind: "chunked", bytes: null }],
    [200, [], "1.1", { kind: "close", bytes: null }],
    [204, [], "1.1", { kind: "none", bytes: 0 }],
    [304, ["Content-Length", "5"], "1.1", { kind: "none", bytes: 0 }],
    [200, ["Content-Length", "5", "Transfer-Encoding", "chunked"], "1.1",
      "answer has both Content-Length and Transfer-Encoding"],
    [204, ["Content-Length", "5", "Transfer-Encoding", "chunked"], "1.1",
      "answer has both Content-Length and Transfer-Encoding"],
    [200, ["Transfer-Encoding", "chunked"], "1.0", "answer has Transfer-Encoding in HTTP/1.0"],
    [200, ["Transfer-Encoding", "gzip, chunked"], "1.1", "answer has an unknown Transfer-Encoding"],
    [200, ["Content-Length", "5", "Content-Length", "5"], "1.1", "answer has an invalid or repeated Content-Length"],
    [200, ["Content-Length", ""], "1.1", "answer has an invalid or repeated Content-Length"],
    [200, ["Content-Length", "-5"], "1.1", "answer has an invalid or repeated Content-Length"],
  ])("%i %j in %s", (status, lines, version, expected) => {
    expect(answerFraming(new ResponseMessage(status, "", [...lines]), version)).toEqual(expected);
  });
});

test("no answer to a HEAD has a body, and what is in doubt is refused all the same", () => {
  const length = new ResponseMessage(200, "", ["Content-Length", "5"]);
  expect(answerFraming(length, "1.1", true)).toEqual({ kind: "none", bytes: 0 });
  const both = new ResponseMessage(200, "", ["Content-Length", "5", "Transfer-Encoding", "chunked"]);
  expect(answerFraming(both, "1.1", true)).toBe("answer has both Content-Length and Transfer-Encoding");
});

test.each([
  [["Content-Length", "0"], true],
  [["Transfer-Encoding", "chunked"], true],
  [["Link", "</a.css>"], false],
])("an interim head with %j announces a body: %s", (lines, expected) => {
  expect(announcesBody(new ResponseMessage(103, "", lines))).toBe(expected);
});
