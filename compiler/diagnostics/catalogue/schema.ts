/** Codes AGW1012 to AGW1015, AGW1020 to AGW1027 and AGW1031: kinds, and documents that do not fit their schema. */
import { error } from "./entry.ts";

export const schemaCatalogue = {
  AGW1012: error<{ kind: string; what: string }>({
    title: "unknown kind",
    explanation:
      "`kind` says what a document is. The kinds are Gateway, ApiProxy, SharedFlow, Environment, ApiProduct, " +
      "Developer, App, and the names of Apigee's policies, spelled as Apigee spells them.",
    example: { bad: "kind: VerifyApiKey", good: "kind: VerifyAPIKey" },
    message: ({ kind, what }) => `unknown ${what} "${kind}"`,
  }),
  AGW1013: error<{ expected: string }>({
    title: "kind is missing",
    explanation: "Every document says what it is with the key `kind`.",
    example: { bad: "rate: 5ps", good: "kind: SpikeArrest\nrate: 5ps" },
    message: ({ expected }) => `"kind" is missing; here it is ${expected}`,
  }),
  AGW1014: error<{ kind: string; expected: string }>({
    title: "kind in the wrong place",
    explanation:
      "A file's path says which kinds it may hold: gateway.yaml a Gateway, proxies/<proxy>/proxy.yaml an ApiProxy, " +
      "a policies folder policies, shared-flows/<flow>/flow.yaml a SharedFlow, environments/ an Environment each, " +
      "access/ products, developers and apps.",
    example: { bad: "# proxies/chat/proxy.yaml\nkind: SharedFlow", good: "# proxies/chat/proxy.yaml\nkind: ApiProxy" },
    message: ({ kind, expected }) => `kind "${kind}" does not belong into this file; here it is ${expected}`,
  }),
  AGW1015: error<{ kind: string }>({
    title: "policy not supported",
    explanation:
      "Apigee has this policy and apigw does not, or not yet. The bundle is refused instead of leaving the policy " +
      "out, because a gateway that skips a policy is not the gateway you described.",
    example: { bad: "kind: JavaCallout", good: "kind: AssignMessage" },
    message: ({ kind }) => `Apigee's policy "${kind}" is not supported yet`,
  }),
  AGW1020: error<{ key: string; owner: string }>({
    title: "unknown key",
    explanation:
      "The key has no meaning here. Unknown keys are errors, never ignored: a misspelled key would otherwise " +
      "switch off what it was meant to switch on.",
    example: { bad: "continueOnEror: true", good: "continueOnError: true" },
    message: ({ key, owner }) => `unknown key "${key}"${owner === "" ? "" : ` in ${owner}`}`,
  }),
  AGW1021: error<{ key: string; owner: string }>({
    title: "missing key",
    explanation: "A key that has no default is not there.",
    example: { bad: "kind: SpikeArrest", good: "kind: SpikeArrest\nrate: 5ps" },
    message: ({ key, owner }) =>
      `${owner === "" ? "the key" : `${owner} needs the key`} "${key}"${owner === "" ? " is missing" : ""}`,
  }),
  AGW1022: error<{ key: string; expected: string; found: string }>({
    title: "wrong type of value",
    explanation:
      "The value has another type than the key takes. In YAML an unquoted true, 5 or 1.0 is not text, an empty " +
      "value is nothing, and {name} without quotes is a map.",
    example: { bad: 'enabled: "yes"', good: "enabled: true" },
    message: ({ key, expected, found }) => `${key} expects ${expected}, and this is ${found}`,
  }),
  AGW1023: error<{ key: string; value: string; allowed: readonly string[] }>({
    title: "value not among those allowed",
    explanation: "The key takes one of a fixed list of values, spelled exactly so.",
    example: { bad: "store: { kind: postgres }", good: "store: { kind: embedded }" },
    message: ({ key, value, allowed }) => `${key} cannot be ${value}; it is ${oneOf(allowed)}`,
  }),
  AGW1024: error<{ key: string; limit: string }>({
    title: "value out of bounds",
    explanation: "A number is too small or too large, a text too long, or a list has too few or too many items.",
    example: { bad: "listeners: [{ port: 70000 }]", good: "listeners: [{ port: 7000 }]" },
    message: ({ key, limit }) => `${key} must be ${limit}`,
  }),
  AGW1025: error<{ key: string; value: string; expected: string; reason: string | null }>({
    title: "malformed value",
    explanation:
      "The text does not have the form that the key asks for: a duration with its unit (30s, 5m), a size with its " +
      "unit (64KiB), a host name, a base path, a URL, a name.",
    example: { bad: "idleTimeout: 5 minutes", good: "idleTimeout: 5m" },
    message: ({ key, value, expected, reason }) =>
      `${key} expects ${expected}${reason === null ? `, not "${value}"` : `: ${reason}`}`,
  }),
  AGW1026: error<{ what: string }>({
    title: "not supported",
    explanation:
      "Apigee knows this, or apigw has a place reserved for it, and this version does not do it. It is refused " +
      "instead of ignored, so that what runs is what is written.",
    example: { bad: "supportedGrantTypes: [password]", good: "supportedGrantTypes: [client_credentials]" },
    message: ({ what }) => `${what} is not supported yet`,
  }),
  AGW1027: error<{ rule: string }>({
    title: "keys that do not go together",
    explanation:
      "Of some keys exactly one may stand, others need each other, and some have a meaning only beside certain values.",
    example: { bad: '{ name: user, ref: a.b, template: "{a.b}" }', good: "{ name: user, ref: a.b, value: anonymous }" },
    message: ({ rule }) => rule,
  }),
  AGW1031: error<{ value: string; key: string }>({
    title: "repeated list item",
    explanation: "A list in which every item counts once has one twice.",
    example: { bad: "hostnames: [a.example.com, a.example.com]", good: "hostnames: [a.example.com]" },
    message: ({ value, key }) => `${value} stands twice in ${key}`,
  }),
} as const;

function oneOf(values: readonly string[]): string {
  const quoted = values.map((value) => `"${value}"`);
  const last = quoted.pop() ?? "nothing";
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}
