/**
 * Why a text does not have the form that its schema's pattern asks for. The pattern decides; here is only the reason,
 * for the mistakes that people make. Null: the general words of the schema say enough.
 */

/** A reason, in words that continue "expects a base path such as /v1/chat: ...". */
type Explain = (text: string) => string | null;

/** First row whose test holds. */
function firstOf(...rows: readonly (readonly [test: RegExp, reason: string])[]): Explain {
  return (text) => rows.find(([test]) => test.test(text))?.[1] ?? null;
}

const durationRows = [
  [/^-/, "it cannot be negative"],
  [/^\d+$/, "the unit is missing"],
  [/^\d+\.\d+/, "it must be a whole number; use a smaller unit"],
  [/^\d+\s+\S/, "there is no space between number and unit"],
  [/^\d+[A-Za-z]+.*\d/, "it has one number and one unit"],
  [/^\d{8,}[A-Za-z]+$/, "the number has more than seven digits; use a larger unit"],
  [/^0\d/, "the number has no zero in front"],
  [/^\d+\s*[A-Za-z]+$/, "the units are ms, s, m, h and d"],
] as const;

const explanations: Readonly<Record<string, Explain>> = {
  duration: firstOf(...durationRows),
  "positive-duration": firstOf([/^0+(ms|s|m|h|d)$/, "it must be more than nothing"], ...durationRows),
  size: firstOf(
    [/^\d+$/, "the unit is missing"],
    [/^\d+\.\d+/, "it must be a whole number; use a smaller unit"],
    [/^\d+\s+\S/, "there is no space between number and unit"],
    [/^\d+(k|K|M|G|kb|kB|Kb|mb|Mb|gb|Gb)$/, "the units are B, KB, KiB, MB, MiB, GB and GiB, spelled so"],
    [/^0/, "it must be more than nothing"],
  ),
  "name-list": firstOf(
    [/(^|,)\s*(,|$)/, "between two commas stands a name"],
    [/^\s*\S+(\s+\S+)+\s*$/, "names are parted by commas"],
    [/[*{}]/, "names are written out; there are no patterns and no templates"],
  ),
  host: firstOf(
    [/:\/\//, "it has no scheme"],
    [/^[^:]+:\d+$/, "the port has a key of its own"],
    [/\//, "it has no path"],
    [/\{/, "templates are not allowed here"],
  ),
  "ip-range": firstOf(
    [/^\[.*\]/, "an address has no brackets here"],
    [/^[^/]*:\d+$/, "it has no port"],
    [/\/\d+(\.\d+){3}$/, "the mask is a number of bits"],
    [/\/\d+$/, "IPv4 has 32 bits, IPv6 has 128"],
    [/\*/, "ranges are written with a number of bits: 10.0.0.0/8"],
    [/[a-z]/i, "names are not looked up"],
  ),
  url: firstOf(
    [/^wss?:\/\//, "a WebSocket begins as an HTTP request, so write http:// for ws:// and https:// for wss://"],
    [/[{}]/, "only the url of a target may be a template"],
    [/^https?:\/\/[^/]*@/, "user name and password do not belong into it"],
    [/#/, "it has no #fragment"],
    [/\s/, "it has no spaces"],
    [/^[^:/]+(:\d+)?(\/|$)/, "the scheme is missing"],
  ),
  "url-template": firstOf(
    [/^wss?:\/\//, "a WebSocket begins as an HTTP request, so write http:// for ws:// and https:// for wss://"],
    [/^https?:\/\/[^/{]*@/, "user name and password do not belong into it"],
    [/#/, "it has no #fragment"],
    [/[\r\n]/, "it has no line ends"],
    [/\\/, "it has no backslash"],
    [/^[^{]*\s/, "it has no spaces"],
    [/^[^:/{]+(:\d+)?([/{]|$)/, "the scheme is missing"],
  ),
  origin: firstOf(
    [/[A-Z]/, "browsers send it in lower case"],
    [/^[a-z][a-z0-9+.-]*:\/\/[^/]+\/.*$/, "it ends after the host and port, without a path"],
    [/^[^/]+$/, "the scheme is missing"],
    [/\*/, "a * stands alone, for any origin"],
  ),
  "hostname-pattern": firstOf(
    [/[A-Z]/, "it is written in lower case"],
    [/:\/\//, "it has no scheme"],
    [/:\d+$/, "it has no port"],
    [/\//, "it has no path"],
    [/\*/, "a * is the whole name or its whole first label"],
    [/\.$/, "it has no dot at its end"],
    [/[^\x20-\x7e]/, "a name with other letters is written in its xn-- form"],
  ),
  "base-path": firstOf(
    [/^$/, "it is empty; / stands for all paths"],
    [/^[^/]/, "it begins with /"],
    [/^[^{]*[?#]/, "it has no query and no fragment"],
    [/\*\*/, "** is not allowed"],
    [/^\/\*/, "its first segment cannot be *"],
    [/\*[^/]|[^/]\*/, "a * is a whole segment"],
    [/%2f|%5c|%00/i, "encoded slashes, backslashes and zero bytes are refused in requests, so it could never match"],
    [/\/\//, "it has an empty segment"],
    [/\/\.{1,2}(\/|$)|%2e/i, "dot segments are resolved in requests, so it could never match"],
    [/\/$/, "it does not end with /"],
    [/[{}]/, "it has no templates"],
    [/[^\x21-\x7e]/, "other characters are percent-encoded"],
  ),
  name: firstOf(
    [/^$/, "it is empty"],
    [/^ | $/, "it has a space at an end"],
    [/^.{256,}$/, "it is longer than 255 characters"],
  ),
  "environment-name": firstOf(
    [/[A-Z]/, "it is written in lower case"],
    [/^[^a-z]/, "it begins with a letter"],
    [/-$/, "it does not end with -"],
  ),
  "variable-name": firstOf(
    [/^\{.*\}$/, "the name of a variable has no braces"],
    [/[{}]/, "templates are not allowed here"],
  ),
  reference: firstOf([/^[A-Za-z0-9._-]+$/, "it begins with ref://"]),
  digest: firstOf([/^[0-9a-f]{64}$/i, "it is written as `apigw-compile digest` prints it, in base64url after sha256:"]),
  "key-set-url": firstOf(
    [/^http:\/\//, "keys that anybody on the way could replace prove nothing; http:// is for this machine only"],
    [/^https:\/\/[^/]*@/, "user name and password do not belong into it"],
    [/#/, "it has no #fragment"],
  ),
  algorithms: firstOf([/none/i, "a token without a signature proves nothing"]),
  rate: firstOf(
    [/^\d+$/, "ps (per second) or pm (per minute) is missing"],
    [/^\d+ph$/, "the units are ps and pm"],
    [/^0/, "it must be more than nothing"],
  ),
  "target-path": firstOf(
    [/^[^/]/, "it begins with /"],
    [/[?#]/, "it has no query and no fragment"],
  ),
  "resource-path": firstOf([/^[^/]/, "it begins with /"]),
  scope: firstOf([/\s/, "each scope is an item of its own"]),
  method: firstOf([/[a-z]/, "methods are written in capitals"]),
};

/** The reason why a text does not have a form, when there is a better one than that it does not. */
export function explainFormat(format: string, text: string): string | null {
  return explanations[format]?.(text) ?? null;
}
