/** Which variables actions write, by name: for those who read recordings. The flow's own message is `message`. */
import type { ActionModel, NamesModel } from "./message-model.ts";

/** Names in the order of the actions, each once; `remove` writes too. */
export function writtenVariables(actions: readonly ActionModel[], message = "message"): readonly string[] {
  const names = actions.flatMap(({ set, add, remove, assignVariable }) => [
    ...[set, add, remove].flatMap((parts) => partsOf(parts ?? {}, message)),
    ...(set?.verb === undefined ? [] : [`${message}.verb`]),
    ...(set?.statusCode === undefined ? [] : [`${message}.status.code`]),
    ...(set?.payload === undefined && remove?.payload !== true ? [] : [`${message}.content`]),
    ...(assignVariable === undefined ? [] : [assignVariable.name]),
  ]);
  return [...new Set(names)];
}

type Names = NamesModel | Readonly<Record<string, string>>;

interface NamedParts {
  readonly headers?: Names;
  readonly queryParams?: Names;
  readonly formParams?: Names;
}

function partsOf({ headers, queryParams, formParams }: NamedParts, message: string): readonly string[] {
  return [
    ...namesOf(headers).map((name) => `${message}.header.${name.toLowerCase()}`),
    ...namesOf(queryParams).map((name) => `${message}.queryparam.${name}`),
    ...namesOf(formParams).map((name) => `${message}.formparam.${name}`),
  ];
}

/** All of them at once have no names. */
function namesOf(names: Names | undefined): readonly string[] {
  if (names === undefined || names === true) return [];
  return Array.isArray(names) ? names : Object.keys(names);
}
