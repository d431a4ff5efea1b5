/**
 * Random conditions as text: every operator in every spelling, every kind of literal, over few variables and values.
 */
import fc from "fast-check";

/** Names of the custom variables of generated projects. */
export const CUSTOM = ["v1", "v2", "flag", "flow.note"] as const;

const ANY_VARIABLE = [
  ...CUSTOM,
  "request.header.x-a", "request.header.X-B", "request.header.x-a.2", "request.header.x-a.values.count",
  "request.header.x-a.values", "request.header.x-b.values.string", "request.header.none",
  "request.queryparam.q", "request.queryparam.q.2", "request.queryparam.p", "request.queryparam.q.values.count",
  "request.queryparam.q.values", "request.queryparams.count", "request.querystring", "request.verb", "request.path",
  "request.uri", "message.header.x-a", "message.queryparam.q", "message.verb", "message.status.code",
  "proxy.pathsuffix", "proxy.basepath", "proxy.name", "apiproxy.name", "organization.name", "environment.name",
    "proxy.url",
  "client.ip", "client.port", "client.scheme", "client.ssl.enabled", "current.flow.name", "route.name", "route.target",
  "target.name", "target.url", "target.copy.pathsuffix", "target.scheme", "target.ssl.enabled", "target.header.host",
  "is.error", "fault.name", "fault.category", "error.status.code", "error.header.x-r", "error.message",
  "response.status.code", "response.header.x-r", "response.header.x-r.2", "response.reason.phrase", "response.content",
  "raisefault.RF-1.failed", "assignmessage.AM-1.failed", "oauthV2.VK-1.failed", "flowcallout.FC-1.failed",
  "assignmessage.SAM-1.failed", "ratelimit.SA-1.failed", "ratelimit.SA-1.available.count",
    "ratelimit.SA-1.exceed.count",
  "verifyapikey.VK-1.developer.app.name", "client_id", "app.name", "app.color", "developer.email", "apiproduct.name",
  "apiproduct.tier", "expires_in",
  "request.content", "message.content", "request.formparam.q", "request.formparam.q.2", "request.formparams.count",
  "request.formstring", "response.content.as.base64", "m1.header.x-a", "m1.content", "m1.queryparam.q", "m2.status.code",
  "m2.content", "response.event.current.data",
] as const;

/** Any variable; `custom` ones and parts of the request most often. */
export const variable = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...CUSTOM) },
  { weight: 3, arbitrary: fc.constantFrom(...ANY_VARIABLE.slice(CUSTOM.length, CUSTOM.length + 12)) },
  { weight: 4, arbitrary: fc.constantFrom(...ANY_VARIABLE) },
);

/** Texts that requests, literals and policies share, so that conditions hold now and then. */
export const word = fc.constantFrom("a", "b", "ab", "A", "x1", "1", "9", "10", "200", "true", "false", "/rooms",
  "/rooms/1", "null");

const literal = fc.oneof(
  { weight: 4, arbitrary: word.map((text) => `"${text}"`) },
  { weight: 1, arbitrary: fc.constant('""') },
  { weight: 3, arbitrary: fc.constantFrom("0", "1", "9", "10", "200", "404", "-1", "1.5", "1.0", "10L", "9f", "2d",
    "101") },
  { weight: 1, arbitrary: fc.constantFrom("true", "false", "TRUE") },
  { weight: 2, arbitrary: fc.constantFrom("null", "NULL") },
);

const comparison = fc.oneof(
  fc.tuple(
    variable,
    fc.constantFrom("=", "==", "!=", ">", ">=", "<", "<=", "=|", "Equals", "IsNot", "GreaterThan", "lesserthan",
      "LesserThanOrEquals", "greaterthanorequals", "NotEquals", "StartsWith", "Is", "is not", "not ="),
    fc.oneof({ weight: 5, arbitrary: literal }, { weight: 2, arbitrary: variable }),
  ),
  fc.tuple(variable, fc.constantFrom(":=", "EqualsCaseInsensitive", "not :="), literal),
  fc.tuple(literal, fc.constantFrom("=", "!=", "<", ">=", ">", "<=", "=|"), variable),
).map((parts) => parts.join(" "));

const globs = fc.constantFrom("a*", "*b", "*", "a*b", "*1*", "ab", "/rooms*", "**", "*a*b*", "", "2*0", "/*/1");
const paths = fc.constantFrom(
  "/rooms", "/rooms/*", "/rooms/**", "/*", "/**", "/*/1", "/**/1", "/r*s/{id}", "/{a}/{b}", "/rooms/%*", "**", "*",
    "/rooms/",
  "/**/x/**", "/ro{x}/1", "", "/", "/**/**", "/*/*/x",
);
const regexes = fc.constantFrom("[ab]+", "a|b", "(?i)AB", "\\\\d+", "/rooms/[0-9]{1,3}", ".*", "", "x.?", "[^/]+",
  "(ab)?")
  .map((text) => text.replaceAll("\\\\", "\\"));

const match = fc.oneof(
  fc.tuple(variable, fc.constantFrom("~", "Matches", "!~", "NotMatches", "Like", "not Matches"), globs),
  fc.tuple(
    fc.oneof(fc.constantFrom("proxy.pathsuffix", "request.path", "v1"), variable),
    fc.constantFrom("~/", "MatchesPath", "LikePath", "not MatchesPath"),
    paths,
  ),
  fc.tuple(variable, fc.constantFrom("~~", "JavaRegex"), regexes),
).map(([left, operator, pattern]) => `${left} ${operator} "${pattern}"`);

/** Conditions that several steps of a project ask. */
export const common = fc.constantFrom('v1 = null', 'v2 = null', 'request.header.x-b = null', 'request.header.x-a = "a"',
  'request.verb = "GET"', 'proxy.pathsuffix MatchesPath "/rooms/*"');

const leaf = fc.oneof(
  { weight: 1, arbitrary: common },
  { weight: 5, arbitrary: comparison },
  { weight: 3, arbitrary: match },
  { weight: 1, arbitrary: variable },
  { weight: 1, arbitrary: fc.constantFrom("true", "false") },
);

/** A condition's text; mostly one comparison, sometimes a tree of them. */
export const condition = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 5, arbitrary: leaf },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom("and", "&&", "or", "||", "OR"), fc.array(tie("tree"), { minLength: 2, maxLength: 3 }))
        .map(([operator, parts]) => parts.map((part) => `(${part})`).join(` ${operator} `)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(leaf, fc.constantFrom(" and ", " or "), leaf, fc.constantFrom(" or ", " and "),
        leaf).map((parts) => parts.join("")),
    },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom("!", "not "), tie("tree"))
      .map(([sign, part]) => `${sign}(${part})`) },
  ),
})).tree;

/** What steps of EventFlows ask besides. */
export const ofEvents = fc.oneof(
  { weight: 2, arbitrary: condition },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'response.event.current.data = "a"', 'response.event.current.data = v1', "response.event.current.count > 1",
      "response.event.current.count = 2", 'response.event.current.content ~ "*data*x1*"', "response.event.current.data = null",
      'response.event.current.data Matches "a*"', 'response.event.current.content StartsWith "event"',
      "response.event.current.data > 9",
    ),
  },
);

/** A step's, flow's or rule's condition: often none. */
export const maybeCondition = fc.option(fc.oneof({ weight: 2, arbitrary: common }, { weight: 5, arbitrary: condition }), { freq: 2, nil: undefined });
