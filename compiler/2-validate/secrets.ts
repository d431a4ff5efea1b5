/** Looks through texts for what looks like a credential. It knows forms, never values. */
import type { Context } from "./describe.ts";

interface Row {
  readonly form: RegExp;
  readonly what: string;
}

const privateKey = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;

/** Forms that hardly anything but a credential has. Linear patterns only: they see whatever users write. */
const credentialForms: readonly Row[] = [
  { form: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/, what: "a JSON Web Token" },
  { form: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/, what: "an AWS access key" },
  { form: /\bAIza[A-Za-z0-9_-]{35}\b/, what: "a Google API key" },
  { form: /\bgh[pousr]_[A-Za-z0-9]{36,}\b/, what: "a GitHub token" },
  { form: /\bgithub_pat_[A-Za-z0-9_]{50,}\b/, what: "a GitHub token" },
  { form: /\bglpat-[A-Za-z0-9_-]{20,}\b/, what: "a GitLab token" },
  { form: /\bxox[abeoprs]-[A-Za-z0-9-]{20,}\b/, what: "a Slack token" },
  { form: /\b[sr]k_live_[A-Za-z0-9]{16,}\b/, what: "a Stripe key" },
  { form: /\bnpm_[A-Za-z0-9]{36}\b/, what: "an npm token" },
  { form: /^\s*(?:Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{16,}\s*$/i, what: "a credential of an Authorization header" },
];

/** Reports private keys (errors) and what looks like another credential (warnings). */
export function findSecrets(node: object, context: Context): void {
  const isList = Array.isArray(node);
  for (const [key, value] of Object.entries(node)) {
    const at = isList ? Number(key) : key;
    if (typeof value === "string") inspect(node, at, value, context);
    else if (typeof value === "object" && value !== null) findSecrets(value, context);
  }
}

function inspect(node: object, key: string | number, text: string, { diagnostics, positions }: Context): void {
  if (text.length < 16) return;
  const words = typeof key === "number" ? "an item of this list" : `"${key}"`;
  if (privateKey.test(text)) {
    const help = "put it into a file, and write { file: path } where a key belongs";
    diagnostics.report("AGW4001", positions.of(node, key), { key: words, what: "a private key" }, { help });
    return;
  }
  const row = credentialForms.find(({ form }) => form.test(text));
  if (row !== undefined) diagnostics.report("AGW4002", positions.of(node, key), { key: words, what: row.what });
}
