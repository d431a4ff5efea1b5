/**
 * Flow variables that hold credentials: those that always do, and those from which policies of the proxy take them. It
 * knows names, never values; a credential that a bundle copies into a variable of its own is not recognised.
 */
import type { ProgramPolicy } from "./ir/program.ts";

/** Names that mean a credential in every proxy. */
const ALWAYS = new RegExp(
  "^private\\.|^websocket\\.credential$|^ticket\\..+\\.value$" +
    "|(?:^|\\.)(?:access_token|refresh_token|id_token|client_secret|generated_jw[ts])$" +
    "|^oauthv2authcode\\..+\\.code$" +
    "|\\.header\\.(?:authorization|proxy-authorization|cookie|set-cookie)(?:\\.|$)",
  "i",
);

/** Keys of policies under which a variable with a credential is named. */
const SOURCES = new Set(["apiKey", "accessToken", "tokens", "source", "clientId", "clientSecret"]);

/** More keys of single policies, which name what is made of a credential or proves one. */
const OWN_SOURCES: Readonly<Record<string, readonly string[]>> = {
  BasicAuthentication: ["password", "assignTo"],
  GenerateJWS: ["outputVariable"],
  GenerateJWT: ["outputVariable"],
  DeleteOAuthV2Info: ["authorizationCode"],
  GetOAuthV2Info: ["refreshToken", "authorizationCode"],
  HMAC: ["verificationValue"],
  OAuthV2: [
    "passWord",
    "refreshToken",
    "code",
    "codeVerifier",
    "codeChallenge",
    "externalAccessToken",
    "externalRefreshToken",
    "externalAuthorizationCode",
    "token",
  ],
  RenewSession: ["oldToken"],
};

/** What OAuthV2 reads where it issues something and names nothing else. */
const ISSUING = /^(?:Generate|Refresh|RevokeToken)/;
const READ_BY_DEFAULT = [
  "request.formparam.password",
  "request.formparam.refresh_token",
  "request.formparam.code",
  "request.formparam.code_verifier",
  "request.formparam.code_challenge",
  "request.formparam.token",
];

/** Where the answers of what issues tokens and codes hold them. */
const ANSWERS = ["response.content", "response.header.location"];

/** Texts that hold a whole query or body, and with it what stands in them. */
const WHOLE: Readonly<Record<string, readonly string[]>> = {
  "request.queryparam.": ["request.querystring", "request.uri", "request.url", "proxy.url"],
  "request.formparam.": ["request.content", "request.formstring"],
};

/** Tells which variables must not show in logs. */
export function secretVariables(policies: readonly ProgramPolicy[]): (variable: string) => boolean {
  const secret = new Set<string>();
  for (const { model } of policies) {
    const issues = "operation" in model && ISSUING.test(String(model.operation));
    if (issues) for (const name of [...READ_BY_DEFAULT, ...ANSWERS]) secret.add(name);
    for (const [key, value] of Object.entries(model)) {
      const isSource = SOURCES.has(key) || OWN_SOURCES[model.kind]?.includes(key) === true;
      if (isSource) for (const name of namesIn(value)) secret.add(canonical(name));
    }
  }
  for (const name of [...secret]) {
    for (const [prefix, holders] of Object.entries(WHOLE)) {
      if (name.startsWith(prefix)) for (const holder of holders) secret.add(holder);
    }
  }
  return (variable) => {
    if (ALWAYS.test(variable)) return true;
    const name = canonical(variable);
    return secret.has(name) || [...secret].some((other) => name.startsWith(`${other}.`));
  };
}

/** `{ ref: x }`, `x`, a list of such, or where a policy writes to: `{ value: x }`. */
function namesIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap((item) => namesIn(item));
  if (typeof value !== "object" || value === null) return [];
  const name = "ref" in value ? value.ref : "value" in value ? value.value : null;
  return typeof name === "string" ? [name] : [];
}

/** `message` is the request where credentials stand; header names have no case. */
function canonical(name: string): string {
  const own = name.replace(/^message\./, "request.");
  return /^(?:request|response)\.header\./.test(own) ? own.toLowerCase() : own;
}
