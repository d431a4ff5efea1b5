/**
 * Codes AGW1001 to AGW1019 and AGW1028 to AGW1033: files, YAML syntax, and the subset of YAML that a project may use.
 */
import { error, warning, type None } from "./entry.ts";

export const syntaxCatalogue = {
  AGW1001: error<{ problem: string }>({
    title: "invalid YAML",
    explanation:
      "The file is not valid YAML 1.2. Only the first problem of a file is shown, because what follows a syntax " +
      "error is mostly its echo. Usual causes are a wrong indentation, a tab, a missing quote or bracket, and a `: " +
      "` inside an unquoted text.",
    example: { bad: "basePath: [/v1", good: "basePath: /v1" },
    message: ({ problem }) => `invalid YAML: ${problem}`,
  }),
  AGW1002: error<{ path: string; problem: string }>({
    title: "unreadable file",
    explanation:
      "The file could not be read, or is not UTF-8 text. Every YAML file of a project is UTF-8, with or without a " +
      "byte order mark; line ends may be LF or CRLF.",
    example: { bad: "# saved as Latin-1: caf\\xe9", good: "# saved as UTF-8: café" },
    message: ({ path, problem }) => `cannot read "${path}": ${problem}`,
  }),
  AGW1003: error<None>({
    title: "no gateway.yaml",
    explanation:
      "A gateway project is a folder with a gateway.yaml at its top. The smallest one is the single line `kind: " +
      "Gateway`: one environment, any host, all proxies.",
    example: { bad: "proxies/chat/proxy.yaml      # and no gateway.yaml", good: "# gateway.yaml\nkind: Gateway" },
    message: () => "the project has no gateway.yaml",
  }),
  AGW1004: error<{ what: string; limit: string }>({
    title: "project too large",
    explanation:
      "The compiler reads a bounded number of files of a bounded size, so that a wrong folder or a generated file " +
      "cannot exhaust the machine.",
    example: { bad: "apigw-compile check /", good: "apigw-compile check ./gateway" },
    message: ({ what, limit }) => `${what}: at most ${limit}`,
  }),
  AGW1005: error<{ path: string }>({
    title: "link leaves the project",
    explanation:
      "A symbolic link points outside the project's folder, or nowhere. What a build reads must lie inside the " +
      "project, so that the same project gives the same artifact everywhere. Links within the project are " +
      "followed.",
    example: { bad: "environments/prod.yaml -> /etc/prod.yaml", good: "environments/prod.yaml -> shared.yaml" },
    message: ({ path }) => `"${path}" is a symbolic link that leaves the project or points nowhere`,
  }),
  AGW1006: error<{ path: string; meaning: string }>({
    title: "file in an unexpected place",
    explanation:
      "A file's path says what it is: gateway.yaml, proxies/<proxy>/proxy.yaml, " +
      "proxies/<proxy>/policies/<policy>.yaml, shared-flows/<flow>/flow.yaml and its policies, " +
      "environments/<environment>.yaml, access/*.yaml, tests/*.test.yaml. A YAML file beside these would never be " +
      "read, which is hardly ever what was meant; anything goes below a resources folder.",
    example: { bad: "proxies/chat/VK-Key.yaml", good: "proxies/chat/policies/VK-Key.yaml" },
    message: ({ path, meaning }) => `"${path}" has no meaning here: ${meaning}`,
  }),
  AGW1007: error<{ key: string }>({
    title: "duplicate key",
    explanation: "A map says a key twice. One of the two would be lost silently, so neither is taken.",
    example: { bad: "basePath: /v1\nbasePath: /v2", good: "basePath: /v2" },
    message: ({ key }) => `key "${key}" stands here a second time`,
  }),
  AGW1008: error<{ tag: string }>({
    title: "YAML tag",
    explanation:
      "Tags such as !!str or !include are refused: in this configuration they have no meaning that a reader could " +
      "rely on. Put a value in quotes to make it text.",
    example: { bad: "version: !!str 1", good: 'version: "1"' },
    message: ({ tag }) => `the YAML tag ${tag} is not allowed`,
  }),
  AGW1009: error<{ name: string; what: "anchor" | "alias" }>({
    title: "YAML anchor or alias",
    explanation:
      "Anchors (&name) and aliases (*name) are refused, so that every value stands where it is used and every " +
      "problem has one place. Steps used in several places belong into a shared flow. A text that begins with & or " +
      "* needs quotes.",
    example: { bad: "hostnames: [*.example.com]", good: 'hostnames: ["*.example.com"]' },
    message: ({ name, what }) => `the YAML ${what} ${what === "alias" ? "*" : "&"}${name} is not allowed`,
  }),
  AGW1010: error<None>({
    title: "YAML merge key",
    explanation: "The merge key << belongs to YAML 1.1 and hides where a value comes from. Write the values out.",
    example: { bad: "<<: { enabled: true }", good: "enabled: true" },
    message: () => "the YAML merge key << is not allowed",
  }),
  AGW1011: error<{ key: string }>({
    title: "unsafe key",
    explanation:
      "The keys __proto__, constructor and prototype are refused everywhere, because in JavaScript they are a " +
      "known way to change objects that are none of their business.",
    example: { bad: "headers: { __proto__: x }", good: "headers: { x-proto: x }" },
    message: ({ key }) => `the key "${key}" is not allowed`,
  }),
  AGW1016: error<{ path: string }>({
    title: "several documents in a file",
    explanation:
      "Only files under access/ may hold several YAML documents, parted by `---` lines. Everywhere else a file is " +
      "one thing, named by its path.",
    example: { bad: "kind: RaiseFault\n---\nkind: SpikeArrest\nrate: 5ps", good: "kind: RaiseFault" },
    message: ({ path }) => `a second document begins here, and "${path}" may hold only one`,
  }),
  AGW1017: error<{ found: string }>({
    title: "not a map of keys",
    explanation: "A document is a map that begins with its kind, for example `kind: ApiProxy`.",
    example: { bad: "- kind: SpikeArrest", good: "kind: SpikeArrest\nrate: 5ps" },
    message: ({ found }) => `the document must be a map of keys and values, and is ${found}`,
  }),
  AGW1018: error<{ limit: number }>({
    title: "nested too deeply",
    explanation: "Maps and lists stand inside each other more often than any valid document needs.",
    example: { bad: "a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", good: "a: []" },
    message: ({ limit }) => `values stand inside each other more than ${String(limit)} deep`,
  }),
  AGW1019: error<{ found: string }>({
    title: "key is no plain text",
    explanation:
      "The key of a map is a single text. A common cause is a template at the beginning of a value: {name} is a " +
      "map in YAML unless it stands in quotes.",
    example: { bad: "x-user: {{user}: x}", good: 'x-user: "{user}"' },
    message: ({ found }) => `a key must be a text, and this is ${found}`,
  }),
  AGW1028: error<{ name: string; what: string; reason: string }>({
    title: "bad name of a file or folder",
    explanation:
      "The folder's name is the name of a proxy or shared flow; the file's name is the name of a policy or " +
      "environment. Apigee's rules hold: proxies and shared flows take letters, digits, `_` and `-`; policies also " +
      "`.` and spaces; environments lower-case letters, digits and `-`.",
    example: { bad: "proxies/chat+/proxy.yaml", good: "proxies/chat-plus/proxy.yaml" },
    message: ({ name, what, reason }) => `"${name}" cannot be the name of ${what}: ${reason}`,
  }),
  AGW1029: warning<{ problem: string }>({
    title: "waiver without effect",
    explanation:
      "A waiver is a comment of the form `# apigw-ignore AGW4003 -- reason`, at the end of the line it excuses or " +
      "alone on the line before. It needs one code and a reason, and only warnings can be waived, never errors.",
    example: {
      bad: "# apigw-ignore AGW4002",
      good: "# apigw-ignore AGW4002 -- a sample key of the public documentation",
    },
    message: ({ problem }) => `this waiver has no effect: ${problem}`,
  }),
  AGW1030: warning<{ code: string }>({
    title: "waiver that excuses nothing",
    explanation: "There is a waiver for a warning that does not occur on its line (any more). Remove the comment.",
    example: { bad: "# apigw-ignore AGW4002 -- sample\nvalue: plain text", good: "value: plain text" },
    message: ({ code }) => `no ${code} occurs on the line that this waiver excuses`,
  }),
  AGW1033: error<{ problem: string }>({
    title: "invalid file of a property set",
    explanation:
      "A file proxies/<proxy>/resources/properties/<set>.properties has Java's form: a key, then `=`, `:` or a blank, " +
      "then the value. `#` and `!` begin a comment line, a backslash at the end of a line joins the next one, and " +
      "\\t, \\n, \\r, \\f and \\uXXXX stand for characters. The file is UTF-8. Keys, values and their number are bounded as " +
      "in the `propertySets` of proxy.yaml.",
    example: { bad: "greeting = \\u12", good: "greeting = \\u0041" },
    message: ({ problem }) => `this is no property: ${problem}`,
  }),
  AGW1032: error<{ folder: string; file: string }>({
    title: "folder without its main file",
    explanation:
      "A folder below proxies/ needs its proxy.yaml, one below shared-flows/ its flow.yaml. Without it the " +
      "policies and resources in the folder belong to nothing.",
    example: { bad: "proxies/chat/policies/VK-Key.yaml   # alone", good: "proxies/chat/proxy.yaml" },
    message: ({ folder, file }) => `the folder "${folder}" has no ${file}`,
  }),
} as const;
