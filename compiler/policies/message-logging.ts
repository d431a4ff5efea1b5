/** MessageLogging at compile time: its template, without the credentials that it names. */
import { parseTemplate, templateVariables, type Template } from "#runtime/language/template.ts";
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { frozen } from "./parts/values.ts";

export interface MessageLoggingModel extends PolicyModel {
  readonly kind: "MessageLogging";
  readonly logLevel?: "DEBUG" | "INFO" | "WARN" | "ERROR" | "ALERT";
  readonly file: { readonly message: string };
}

/** What stands in the place of a credential. */
const REDACTED = "(redacted)";

export const messageLogging = {
  kind: "MessageLogging",
  basename: "message-logging",
  phases: ["request", "response", "fault", "event", "postClient"],
  failedPrefix: "messagelogging",
  variablePrefixes: [],
  timing: () => "sync",
  analyze(step) {
    const at = ["file", "message"];
    const template = step.template(step.model.file.message, at);
    for (const name of template === null ? [] : templateVariables(template)) {
      if (step.isSecret(name)) step.report("AGW4105", at, { name });
    }
  },
  emit(e) {
    const { file, logLevel = "INFO" } = e.model;
    const rules = e.constant("messageLogging", frozen(literal({ name: e.name, severity: logLevel })));
    const text = e.template(redacted(parseTemplate(file.message), (name) => e.isSecret(name)), "empty");
    e.line(code`${e.symbol("logMessage")}(${e.x}, ${rules}, ${text});`);
  },
} satisfies PolicyDefinition<MessageLoggingModel>;

/** The template without what it would show of credentials. */
function redacted(template: Template, isSecret: (name: string) => boolean): Template {
  const parts: Template["parts"][number][] = [];
  for (const part of template.parts) {
    const isClean = !templateVariables({ ...template, parts: [part] }).some(isSecret);
    const shown = isClean ? part : { kind: "literal" as const, text: REDACTED, start: part.start, end: part.end };
    const last = parts.at(-1);
    // No two literals of a template touch.
    if (last?.kind !== "literal" || shown.kind !== "literal") parts.push(shown);
    else parts[parts.length - 1] = { ...last, text: last.text + shown.text, end: shown.end };
  }
  return { ...template, parts };
}
