/**
 * Takes credentials out of what is recorded, before it is kept: by the names under which they travel, by their form,
 * and wherever a value stands that was found under such a name elsewhere in the same exchange.
 */
import { parsedJson } from "../language/functions/json-path.ts";
import { isSecretName, isSecretParameter, isSecretVariable, maskMeans } from "../language/secret-name.ts";
import { hideInJson } from "./mask-json.ts";
import type { MaskedBody, MaskRules } from "./mask-rules.ts";
import type { hideInXml } from "./mask-xml.ts";

/** What stands in the place of a credential. */
export const HIDDEN = "******";

/** Shorter values are hidden where they stand, and not looked for elsewhere: they would be found everywhere. */
const LOOKED_FOR_CHARS_MIN = 4;
/** Values of cookies are often words. */
const COOKIE_CHARS_MIN = 8;
/** Values that one exchange looks for; those beyond are hidden only where they stand. */
const LOOKED_FOR_MAX = 200;
/** Longer ones are looked for as they are only. */
const REWRITTEN_CHARS_MAX = 16 * 1024;

const PARAMETER = /(^|[?&;#\s"'])([^?&;#\s"'=]{1,128})=([^&;#\s"']*)/g;
const JSON_MEMBER = /"([^"\\\n]{1,128})"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,[\]{}"]+)/g;
const XML_ELEMENT = /<([A-Za-z_][\w.:-]{0,127})([^<>]*)>([^<]+)/g;
const SCHEME = /\b(Bearer|Basic|Digest|Negotiate|DPoP)[ \t]+[\w.~+/=-]{4,}/gi;
/** What begins as a JWT does is hidden, also where no dot follows: so no place is looked at twice. */
const JWT = /\beyJ[\w-]{6,2048}(?:\.[\w.-]*)?/g;
const USER_INFO = /\/\/[^/\s@:]*:([^/\s@]+)@/g;
/** A subprotocol that is a name; clients put tokens among those they offer. */
const SUBPROTOCOL = /^[A-Za-z0-9.-]{1,24}$/;

/** Characters of a body that paths look into; a longer one is hidden whole where a bundle names such paths. */
const PATH_CHARS_MAX = 256 * 1024;

/** What begins in front of a cut may end behind it: that much more is looked at. */
const LOOKED_AT_FACTOR = 4;

/** What a gateway hides besides what is always hidden. */
export interface Hidden {
  /** Values of its own that must stand nowhere. */
  readonly secrets: readonly string[];
  /** For the proxy at hand; null: nothing. */
  readonly rules: MaskRules | null;
  /** Absent where no rule has an XPath. */
  readonly hideInXml?: typeof hideInXml | undefined;
}

const NOTHING_MORE: Hidden = { secrets: [], rules: null };

/** What one exchange hides. */
export class Mask {
  readonly #found = new Set<string>();
  readonly #rules: MaskRules | null;
  readonly #hideInXml: typeof hideInXml | undefined;
  /** Bodies without what paths lead to, by whose they are and their texts. */
  readonly #bodies = new Map<string, string>();
  /** Bodies that are hidden whole, which variables may hold as well. */
  readonly #withheld: string[] = [];
  #longestFirst: readonly string[] | null = null;

  constructor({ secrets, rules, hideInXml: hide }: Hidden = NOTHING_MORE) {
    this.#rules = rules;
    this.#hideInXml = hide;
    for (const secret of secrets) this.learn(secret);
  }

  /** A value that must stand nowhere, in whatever way it is written. */
  learn(value: string, charsMin = LOOKED_FOR_CHARS_MIN): void {
    const text = value.trim();
    if (text.length < charsMin || this.#found.size >= LOOKED_FOR_MAX || text === HIDDEN) return;
    this.#longestFirst = null;
    this.#found.add(text);
    if (text.length > REWRITTEN_CHARS_MAX) return;
    const bytes = Buffer.from(text);
    const encoded = [bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url")];
    const escaped = [encodeURIComponent(text.toWellFormed()), JSON.stringify(text).slice(1, -1)];
    for (const form of [decoded(text), ...encoded, ...escaped]) {
      if (form.length >= charsMin) this.#found.add(form);
    }
  }

  /** What a header of that name gives away: credentials behind their scheme, cookies one by one. */
  learnHeader(name: string, value: string): void {
    const lower = name.toLowerCase();
    if (lower === "cookie" || lower === "set-cookie") return this.#learnCookies(lower, value);
    if (lower === "sec-websocket-protocol") {
      for (const offered of value.split(",")) if (!SUBPROTOCOL.test(offered.trim())) this.learn(offered);
      return;
    }
    if (!this.#hidesHeader(lower)) return this.learnText(value);
    this.learn(value);
    const credential = value.slice(value.search(/[ \t]|$/)).trim();
    this.learn(credential);
    if (!/^basic[ \t]/i.test(value)) return;
    const pair = Buffer.from(credential, "base64").toString("utf8");
    this.learn(pair);
    this.learn(pair.slice(pair.indexOf(":") + 1));
  }

  /** What a query, a form, a URL or a document gives away. */
  learnText(text: string): void {
    for (const [, , name = "", value = ""] of text.matchAll(PARAMETER)) {
      if (!this.#hidesParameter(decoded(name))) continue;
      this.learn(value);
      this.learn(decoded(value.replaceAll("+", " ")));
    }
    for (const [, password = ""] of text.matchAll(USER_INFO)) this.learn(decoded(password));
    for (const [, name = "", , value = ""] of text.matchAll(JSON_MEMBER)) {
      if (isSecretName(name)) this.learn(value.replace(/^"|"$/g, ""));
    }
    for (const [, name = "", , value = ""] of text.matchAll(XML_ELEMENT)) if (isSecretName(name)) this.learn(value);
  }

  /** Any text, without what is known to be a credential. */
  text(value: string): string {
    let clean = this.#withoutBodies(value);
    for (const secret of this.#all()) if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
    return clean
      .replace(PARAMETER, (whole: string, before: string, name: string) =>
        this.#hidesParameter(decoded(name)) ? `${before}${name}=${HIDDEN}` : whole)
      .replace(SCHEME, `$1 ${HIDDEN}`)
      .replace(JWT, HIDDEN)
      .replace(USER_INFO, `//${HIDDEN}@`);
  }

  /** The value of a header. */
  header(name: string, value: string): string {
    const lower = name.toLowerCase();
    if (lower === "sec-websocket-protocol") {
      const shown = value.split(",").map((offered) => (SUBPROTOCOL.test(offered.trim()) ? offered.trim() : HIDDEN));
      return this.text(shown.join(", "));
    }
    return this.#hidesHeader(lower) ? HIDDEN : this.text(value);
  }

  /** True for a variable whose value is hidden, and looked for elsewhere. */
  hidesVariable(name: string): boolean {
    return isSecretVariable(name) || (this.#rules?.variables ?? []).some((entry) => maskMeans(entry, name));
  }

  /** A body without what paths lead to; what stood there is looked for elsewhere. Call it before `document`. */
  withoutPaths(whose: readonly MaskedBody[], text: string): string {
    const key = `${whose.join()}:${text}`;
    const known = this.#bodies.get(key);
    if (known !== undefined) return known;
    const clean = this.#pathsHidden(whose, text);
    if (clean === HIDDEN) this.#withheld.push(text);
    this.#bodies.set(key, clean);
    return clean;
  }

  /** A text that may be a body, whatever it holds: as much of it as can hold `charsMax` characters of the result. */
  document(value: string, charsMax: number): string {
    const named = this.#withoutBodies(value).slice(0, LOOKED_AT_FACTOR * charsMax)
      .replace(JSON_MEMBER, (whole: string, name: string, colon: string) =>
        isSecretName(name) ? `"${name}"${colon}"${HIDDEN}"` : whole)
      .replace(XML_ELEMENT, (whole: string, name: string, more: string) =>
        isSecretName(name) ? `<${name}${more}>${HIDDEN}` : whole);
    return this.text(named);
  }

  #withoutBodies(value: string): string {
    return this.#withheld.reduce((text, body) => (text.includes(body) ? text.replaceAll(body, HIDDEN) : text), value);
  }

  #hidesHeader(lower: string): boolean {
    return isSecretName(lower) || this.#rules?.headers.includes(lower) === true;
  }

  #hidesParameter(name: string): boolean {
    return isSecretParameter(name) || this.#rules?.parameters.includes(name) === true;
  }

  #pathsHidden(whose: readonly MaskedBody[], text: string): string {
    const rules = this.#rules;
    if (rules === null || text === "") return text;
    if (whose.some((body) => rules.bodies.includes(body))) return HIDDEN;
    const paths = whose.flatMap((body) => rules.json[body]);
    const expressions = whose.flatMap((body) => rules.xml[body]);
    const begin = /^\s*(.)/s.exec(text)?.[1];
    const isMeant = begin === "<" ? expressions.length > 0 : paths.length > 0 && (begin === "{" || begin === "[");
    if (!isMeant) return text;
    if (text.length > PATH_CHARS_MAX) return HIDDEN;
    if (begin === "<") return this.#hideInXml?.(text, expressions, HIDDEN, (found) => this.learn(found)) ?? HIDDEN;
    const root = parsedJson(text);
    const told = (value: unknown): void => this.learn(typeof value === "string" ? value : JSON.stringify(value));
    return root !== undefined && hideInJson(root, paths, HIDDEN, told) ? JSON.stringify(root) : HIDDEN;
  }

  #learnCookies(name: string, value: string): void {
    const pairs = name === "cookie" ? value.split(";") : value.split(";", 1);
    for (const pair of pairs) this.learn(pair.slice(pair.indexOf("=") + 1).replace(/^"|"$/g, ""), COOKIE_CHARS_MIN);
  }

  #all(): readonly string[] {
    return (this.#longestFirst ??= [...this.#found].sort((a, b) => b.length - a.length));
  }
}

/** As it is where its escapes are none. */
function decoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
