import { describe, expect, it } from "vitest";
import { mask, readSettings, type SettingSpec } from "#runtime/process/settings.ts";

const files: Record<string, string> = { "/run/key": "s3cret\n", "/run/empty": "\n", "/etc/ca.pem": "PEM", "/run/big": "x".repeat(2_000_000) };

function readFile(path: string): Buffer {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: "ENOENT" });
  return Buffer.from(text);
}

const spec = (over: Partial<SettingSpec>): SettingSpec => ({ id: "a", kind: "text", where: "proxies/x.yaml:3", ...over });

describe("a setting", () => {
  const good: readonly [string, Partial<SettingSpec>, Record<string, string>, string, string][] = [
    ["comes from its variable", { env: "HOST" }, { HOST: "chat" }, "chat", "variable HOST"],
    ["has a default", { env: "HOST", default: "local" }, {}, "local", "default"],
    ["takes its variable before its default", { env: "HOST", default: "local" }, { HOST: "chat" }, "chat", "variable HOST"],
    ["may be a port", { env: "PORT", kind: "port", default: 8080 }, {}, "8080", "default"],
    ["may be a secret variable", { env: "KEY", kind: "secret" }, { KEY: "abc" }, "abc", "variable KEY"],
    ["may be a secret in the file that NAME_FILE tells", { env: "KEY", kind: "secret" }, { KEY_FILE: "/run/key" }, "s3cret", "file of variable KEY_FILE"],
    ["may be a secret in a file", { file: "/run/key", kind: "secret" }, {}, "s3cret", "file /run/key"],
    ["may be a secret in a file that a variable tells", { file: { env: "AT" }, kind: "secret" }, { AT: "/run/key" }, "s3cret", "file of variable AT"],
    ["may be a file", { file: "/etc/ca.pem", kind: "file" }, {}, "/etc/ca.pem", "file /etc/ca.pem"],
    ["may be a file with a default path", { file: { env: "CA", default: "/etc/ca.pem" }, kind: "file" }, {}, "/etc/ca.pem", "file /etc/ca.pem"],
    ["may be a file that a variable tells", { env: "CA", kind: "file" }, { CA: "/etc/ca.pem" }, "/etc/ca.pem", "variable CA"],
  ];
  it.each(good)("%s", (_name, over, env, value, origin) => {
    const { problems, values } = readSettings([spec(over)], env, readFile);
    expect(problems).toEqual([]);
    expect(values.get("a")).toMatchObject({ value, origin });
  });

  it("of kind file brings its content", () => {
    const { values } = readSettings([spec({ file: "/etc/ca.pem", kind: "file" })], {}, readFile);
    expect(values.get("a")?.content.toString()).toBe("PEM");
  });

  const bad: readonly [string, Partial<SettingSpec>, Record<string, string>, string][] = [
    ["without variable", { env: "HOST" }, {}, "variable HOST is not set"],
    ["with an empty variable", { env: "HOST" }, { HOST: "" }, "variable HOST is empty"],
    ["that is no port", { env: "PORT", kind: "port" }, { PORT: "80a" }, "variable PORT is no port (0 to 65535)"],
    ["that is too large a port", { env: "PORT", kind: "port" }, { PORT: "65536" }, "variable PORT is no port (0 to 65535)"],
    ["told twice", { env: "KEY", kind: "secret" }, { KEY: "a", KEY_FILE: "/run/key" }, "variables KEY and KEY_FILE are both set"],
    ["in a missing file", { file: "/run/none", kind: "secret" }, {}, "file /run/none cannot be read (ENOENT)"],
    ["in an empty file", { file: "/run/empty", kind: "secret" }, {}, "file /run/empty is empty"],
    ["in a huge file", { file: "/run/big", kind: "secret" }, {}, "file /run/big cannot be read (larger than 1 MiB)"],
    ["whose file is missing", { env: "CA", kind: "file" }, { CA: "/nope" }, "file /nope from variable CA cannot be read (ENOENT)"],
    ["whose file nobody tells", { file: { env: "CA" }, kind: "file" }, {}, "variable CA is not set"],
  ];
  it.each(bad)("%s is a problem with its place", (_name, over, env, problem) => {
    const { problems, values } = readSettings([spec(over)], env, readFile);
    expect(problems).toEqual([`${problem} (proxies/x.yaml:3)`]);
    expect(values.size).toBe(0);
  });
});

describe("settings", () => {
  const specs = [
    spec({ id: "a", env: "A" }),
    spec({ id: "b", env: "KEY", kind: "secret", where: "x:1" }),
    spec({ id: "c", env: "URL", where: "x:2" }),
    spec({ id: "d", env: "GONE", where: "x:3" }),
    spec({ id: "e", env: "GONE", where: "x:3" }),
  ];

  it("list every problem at once, each once, and no value in any", () => {
    const { problems } = readSettings([...specs, spec({ id: "f", env: "P", kind: "port" })], { KEY: "hunter2", P: "hunter2" }, readFile);
    expect(problems).toHaveLength(4);
    expect(problems.join()).not.toContain("hunter2");
  });

  it("are shown without secrets and passwords", () => {
    const env = { A: "plain", KEY: "hunter2", URL: "redis://user:hunter2@db:6379/0" };
    const shown = mask(specs, readSettings(specs, env, readFile));
    expect(JSON.stringify(shown)).not.toContain("hunter2");
    expect(shown.map(({ value }) => value)).toEqual(["plain", "***", "redis://***@db:6379/0", "(missing)", "(missing)"]);
  });
});
