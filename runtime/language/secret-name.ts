/**
 * Names under which credentials travel, in headers, parameters, documents and variables, and names that a mask means.
 * It knows common usage and no bundle.
 */

/** As part of any name. */
const PART = /authori[sz]ation|cookie|token(?![-_]?type)|secret|passw|passphrase|credential|assertion|signature/i;
const PART_TOO = /api[-_]?key|access[-_]?key|session[-_]?id|jwt|private|verifier|code[-_]?challenge(?![-_]?method)/i;

/** As the whole name of a parameter, where they are short. */
const WHOLE = /^(?:key|sig|auth|pwd|pin|otp|ticket|code|jws|jwe)$/i;

/** A header, a member of a JSON object, an XML element. */
export function isSecretName(name: string): boolean {
  return PART.test(name) || PART_TOO.test(name);
}

/** A parameter of a query, a form or a URL's fragment. */
export function isSecretParameter(name: string): boolean {
  return WHOLE.test(name) || isSecretName(name);
}

/** A flow variable: what counts is its last part, because policies' names stand in front. */
export function isSecretVariable(name: string): boolean {
  if (name.startsWith("private.")) return true;
  const last = name.slice(name.lastIndexOf(".") + 1);
  return /(?:query|form)param\./.test(name) ? isSecretParameter(last) : isSecretName(last);
}

/** Whether an entry of a mask means a variable: the one of that name, or with `.*` at its end all that begin so. */
export function maskMeans(entry: string, variable: string): boolean {
  return entry === variable || (entry.endsWith(".*") && variable.startsWith(entry.slice(0, -1)));
}
