/**
 * Values that a bundle leaves to the place it runs in: read once, when the gateway starts, all problems listed
 * together. It owns where a value may come from (variable, `NAME_FILE`, file, default) and refuses to show a secret.
 */

/** `text` and `secret`: any text. `port`: 0 to 65535. `file`: path of a file that must be readable. */
export type SettingKind = "text" | "port" | "secret" | "file";

/** One value that the bundle asks for. */
export interface SettingSpec {
  /** The compiled program's name for it. */
  readonly id: string;
  /** Variable to read. With `<env>_FILE` instead, a secret is the content of that file. */
  readonly env?: string;
  readonly default?: string | number;
  /** Path, or the variable that has it: of the file whose content is the secret, or of the `file` itself. */
  readonly file?: string | { readonly env: string; readonly default?: string | number };
  readonly kind: SettingKind;
  /** Place in the bundle, for problems: `proxies/chat/policies/VJ.yaml:3`. */
  readonly where: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;
/** Reads a whole file; throws the system's error. */
export type ReadFile = (path: string) => Buffer;

/** A value and where it came from. */
export interface Setting {
  readonly id: string;
  readonly kind: SettingKind;
  /** Of kind `file`: the path. */
  readonly value: string;
  /** Of kind `file`: what the file holds; else empty. */
  readonly content: Buffer;
  /** `variable NAME`, `file PATH` or `default`. */
  readonly origin: string;
}

export interface Settings {
  readonly values: ReadonlyMap<string, Setting>;
  /** One line each, for people, without any value; empty when the gateway may start. */
  readonly problems: readonly string[];
}

/** A line of `--print-config`. */
export interface ShownSetting {
  readonly id: string;
  readonly value: string;
  readonly origin: string;
  readonly where: string;
}

/** A secret or token file larger than this is a mistake. */
const FILE_BYTES_MAX = 1024 * 1024;
const NO_CONTENT = /* @__PURE__ */ Buffer.alloc(0);

/** Reads all values. Never throws for what the surroundings lack: that is `problems`. */
export function readSettings(specs: readonly SettingSpec[], env: Environment, readFile: ReadFile): Settings {
  const values = new Map<string, Setting>();
  const problems: string[] = [];
  for (const spec of specs) {
    const found = readSetting(spec, env, readFile);
    if (typeof found === "string") problems.push(`${found} (${spec.where})`);
    else values.set(spec.id, found);
  }
  return { values, problems: [...new Set(problems)] };
}

/** What may be shown of the settings: secrets and passwords within URLs masked. */
export function mask(specs: readonly SettingSpec[], { values }: Settings): ShownSetting[] {
  return specs.map(({ id, where }) => {
    const setting = values.get(id);
    if (setting === undefined) return { id, value: "(missing)", origin: "-", where };
    return { id, value: setting.kind === "secret" ? "***" : maskUrl(setting.value), origin: setting.origin, where };
  });
}

/** The setting, or the problem with it. */
function readSetting(spec: SettingSpec, env: Environment, readFile: ReadFile): Setting | string {
  if (spec.file !== undefined) return fromFile(spec, spec.file, env, readFile);
  const name = spec.env ?? "";
  const value = name === "" ? undefined : env[name];
  const fileName = spec.kind === "secret" && name !== "" ? env[`${name}_FILE`] : undefined;
  if (value !== undefined && fileName !== undefined) return `variables ${name} and ${name}_FILE are both set`;
  if (fileName !== undefined) return secretFrom(spec, fileName, `file of variable ${name}_FILE`, readFile);
  if (value !== undefined) return checked(spec, value, `variable ${name}`, readFile);
  if (spec.default !== undefined) return checked(spec, String(spec.default), "default", readFile);
  return `variable ${name} is not set`;
}

function fromFile(
  spec: SettingSpec,
  file: NonNullable<SettingSpec["file"]>,
  env: Environment,
  readFile: ReadFile,
): Setting | string {
  const path = typeof file === "string" ? file : (env[file.env] ?? file.default);
  if (path === undefined) return `variable ${typeof file === "string" ? "" : file.env} is not set`;
  const isNamed = typeof file !== "string" && env[file.env] !== undefined;
  const origin = isNamed ? `file of variable ${file.env}` : `file ${path}`;
  if (spec.kind === "secret") return secretFrom(spec, String(path), origin, readFile);
  return checked(spec, String(path), origin, readFile);
}

function secretFrom(spec: SettingSpec, path: string, origin: string, readFile: ReadFile): Setting | string {
  const content = readBounded(path, readFile);
  if (typeof content === "string") return `${origin} cannot be read (${content})`;
  return checked(spec, content.toString("utf8").replace(/\r?\n$/, ""), origin, readFile);
}

function checked(spec: SettingSpec, value: string, origin: string, readFile: ReadFile): Setting | string {
  const { id, kind } = spec;
  if (value === "") return `${origin} is empty`;
  if (kind === "port" && !isPort(value)) return `${origin} is no port (0 to 65535)`;
  if (kind !== "file") return { id, kind, value, content: NO_CONTENT, origin };
  const content = readBounded(value, readFile);
  if (typeof content === "string") return `file ${value} from ${origin} cannot be read (${content})`;
  return { id, kind, value, content, origin };
}

/** The content, or the code of what went wrong. */
function readBounded(path: string, readFile: ReadFile): Buffer | string {
  try {
    const content = readFile(path);
    return content.length > FILE_BYTES_MAX ? "larger than 1 MiB" : content;
  } catch (error) {
    return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unreadable";
  }
}

function isPort(value: string): boolean {
  return /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
}

function maskUrl(value: string): string {
  return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1***@");
}
