/**
 * The functions of message templates: their names, and which arguments each takes. Says nothing about what they do:
 * functions/ and runtime/template/ hold that.
 */

/** How a function is called. */
export interface TemplateFunctionForm {
  /** Fewest arguments. */
  readonly least: number;
  /** Most arguments. */
  readonly most: number;
  /** What stands between the parentheses, for messages. */
  readonly form: string;
  /** Places of the arguments that must be known when compiling. */
  readonly settled?: readonly number[];
}

const digest: TemplateFunctionForm = { form: "text", least: 1, most: 1 };
const hmac: TemplateFunctionForm = {
  form: "key,value[,'key encoding'[,'output encoding']]",
  least: 2,
  most: 4,
  settled: [2, 3],
};
const oneText: TemplateFunctionForm = { form: "text", least: 1, most: 1 };
const replace: TemplateFunctionForm = { form: "text,'regex',replacement", least: 3, most: 3, settled: [1] };
const time: TemplateFunctionForm = { form: "format,time", least: 2, most: 2 };

const FORMS = {
  md5Hex: digest,
  sha1Hex: digest,
  sha256Hex: digest,
  sha384Hex: digest,
  sha512Hex: digest,
  md5Base64: digest,
  sha1Base64: digest,
  sha256Base64: digest,
  sha384Base64: digest,
  sha512Base64: digest,
  hmacMd5: hmac,
  hmacSha1: hmac,
  hmacSha224: hmac,
  hmacSha256: hmac,
  hmacSha384: hmac,
  hmacSha512: hmac,
  encodeBase64: oneText,
  decodeBase64: oneText,
  toUpperCase: oneText,
  toLowerCase: oneText,
  substring: { form: "text,start[,end]", least: 2, most: 3 },
  replaceAll: replace,
  replaceFirst: replace,
  escapeJSON: oneText,
  escapeXML: oneText,
  escapeXML11: oneText,
  encodeHTML: oneText,
  escapeHTML: oneText,
  timeFormat: time,
  timeFormatMs: time,
  timeFormatUTC: time,
  timeFormatUTCMs: time,
  createUuid: { form: "", least: 0, most: 0 },
  randomLong: { form: "[min[,max]]", least: 0, most: 2 },
  xeger: { form: "'regex'", least: 1, most: 1, settled: [0] },
  firstnonnull: { form: "a,b,...", least: 1, most: Infinity },
  jsonPath: { form: "$.path,json[,true]", least: 2, most: 3, settled: [0, 2] },
  xpath: {
    form: "'path',xml[,'type' or 'prefix:uri']",
    least: 2,
    most: 13,
    settled: [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  },
} as const satisfies Record<string, TemplateFunctionForm>;

/** Name of a function of the template language. */
export type TemplateFunction = keyof typeof FORMS;

/** Every function the language defines. */
export const TEMPLATE_FUNCTIONS: ReadonlySet<string> = /* @__PURE__ */ new Set(/* @__PURE__ */ Object.keys(FORMS));

/** True for the name of a function. */
export function isTemplateFunction(name: string): name is TemplateFunction {
  return TEMPLATE_FUNCTIONS.has(name);
}

/** Why a function cannot take this many arguments; null when it can. */
export function argumentCountProblem(name: TemplateFunction, count: number): string | null {
  const { least, most, form: shape } = FORMS[name];
  if (count >= least && count <= most) return null;
  const given = count === 0 ? "none is" : count === 1 ? "1 is" : `${count} are`;
  return `${name} is called as {${name}(${shape})}: it takes ${range(least, most)}, and ${given} given`;
}

/** True for an argument that must be known when compiling, as regular expressions and paths must. */
export function isSettled(name: string, index: number): boolean {
  if (!isTemplateFunction(name)) return false;
  const form: TemplateFunctionForm = FORMS[name];
  return form.settled?.includes(index) ?? false;
}

function range(least: number, most: number): string {
  if (most === 0) return "no arguments";
  if (most === Infinity) return `at least ${counted(least)}`;
  if (least === most) return counted(least);
  return `${least} ${most === least + 1 ? "or" : "to"} ${counted(most)}`;
}

function counted(count: number): string {
  return count === 1 ? "1 argument" : `${count} arguments`;
}
