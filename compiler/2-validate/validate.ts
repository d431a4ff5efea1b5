/**
 * Documents -> bundle model: each document is checked against the schema of its kind, by validators that were
 * compiled ahead of time. Pure; every mistake becomes one diagnostic at the key it is about.
 */
import { nearest } from "../diagnostics/nearest.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { BundleModel } from "../ir/model.ts";
import type { DocumentPlace, ParsedDocument, ParsedProject } from "../ir/syntax.ts";
import { buildModel } from "./build-model.ts";
import { describe, type Context } from "./describe.ts";
import { distil } from "./distil.ts";
import { absentPolicyKinds, documentKinds, kindsAt, policyKinds } from "./kinds.ts";
import { checkRules } from "./rules.ts";
import { findSecrets } from "./secrets.ts";
import { access, environment, gateway, policy, proxy, sharedFlow, type Validator } from "./validators.generated.js";

/** Validates a project. Null when there are errors, in this phase or before it. */
export function validate(parsed: ParsedProject, diagnostics: Diagnostics): BundleModel | null {
  const context = { positions: parsed.positions, diagnostics };
  for (const document of parsed.documents) {
    findSecrets(document.value, context);
    if (!checkKind(document, context)) continue;
    const errors = schemaErrors(document);
    checkRules(document, context);
    for (const error of errors) describe(document.value, error, context);
  }
  checkPropertyFiles(parsed, context);
  return diagnostics.hasErrors ? null : buildModel(parsed);
}

/** A set is written in one place; and files hold no secrets either. */
function checkPropertyFiles({ documents, propertyFiles }: ParsedProject, context: Context): void {
  for (const { file, proxy: owner, name, values } of propertyFiles) {
    findSecrets(values, context);
    const proxyFile = documents.find(({ place }) => place.kind === "proxy" && place.name === owner);
    const sets = proxyFile?.value["propertySets"];
    if (typeof sets !== "object" || sets === null || !Object.hasOwn(sets, name)) continue;
    const related = [{ span: context.positions.ofKey(sets, name), message: "the other one is here" }];
    context.diagnostics.report("AGW2012", { file, start: 0, end: 0 }, { what: "property set", name }, { related });
  }
}

function schemaErrors(document: ParsedDocument): ReturnType<typeof distil> {
  const validator = validatorFor(document.place.kind);
  return validator(document.value) ? [] : distil(validator.errors ?? []);
}

function validatorFor(place: DocumentPlace["kind"]): Validator {
  switch (place) {
    case "gateway":
      return gateway;
    case "environment":
      return environment;
    case "proxy":
      return proxy;
    case "sharedFlow":
      return sharedFlow;
    case "access":
      return access;
    case "proxyPolicy":
    case "sharedFlowPolicy":
      return policy;
  }
}

/** True when the document's kind may stand in its place, so that its schema applies. */
function checkKind({ value, place }: ParsedDocument, { diagnostics, positions }: Context): boolean {
  const { kinds, words, what } = kindsAt(place.kind);
  const kind = value["kind"];
  if (kind === undefined) {
    diagnostics.report("AGW1013", positions.of(value), { expected: words });
    return false;
  }
  const span = positions.of(value, "kind");
  if (typeof kind !== "string") {
    diagnostics.report("AGW1022", span, { key: '"kind"', expected: words, found: kind === null ? "empty" : "no text" });
    return false;
  }
  if (kinds.includes(kind)) return true;
  const isPolicy = "owner" in place;
  if (isPolicy && absentPolicyKinds.includes(kind)) {
    diagnostics.report("AGW1015", span, { kind });
  } else if ([...documentKinds, ...policyKinds, ...absentPolicyKinds].includes(kind)) {
    diagnostics.report("AGW1014", span, { kind, expected: words });
  } else {
    const near = nearest(kind, isPolicy ? [...kinds, ...absentPolicyKinds] : [...kinds, ...documentKinds]);
    const help = near === null ? `here it is ${words}` : `did you mean "${near}"?`;
    diagnostics.report("AGW1012", span, { kind: kind.slice(0, 80), what }, { help });
  }
  return false;
}
