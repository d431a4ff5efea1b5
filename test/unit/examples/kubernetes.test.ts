/**
 * The example's Kubernetes manifests: they parse, have what their kinds demand, and agree with each other, with the
 * gateway's bundle and with the environment it asks for. No cluster is needed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";

const example = join(import.meta.dirname, "..", "..", "..", "examples", "websocket-chat");
const folder = join(example, "kubernetes");

type Node = Readonly<Record<string, unknown>>;

/** `a.b.0.c` of a manifest; undefined where the path ends early. */
function at(node: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (isNode(value) ? value[key] : undefined), node);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}

function list(node: unknown, path: string): readonly unknown[] {
  const value = at(node, path);
  return Array.isArray(value) ? value : [];
}

/** What a manifest of a kind must have, beside apiVersion, kind and metadata.name. */
const required: Readonly<Record<string, { readonly apiVersion: string; readonly paths: readonly string[] }>> = {
  Namespace: { apiVersion: "v1", paths: [] },
  ConfigMap: { apiVersion: "v1", paths: ["data"] },
  Service: { apiVersion: "v1", paths: ["spec.selector", "spec.ports.0.port", "spec.ports.0.targetPort"] },
  PodDisruptionBudget: { apiVersion: "policy/v1", paths: ["spec.maxUnavailable", "spec.selector.matchLabels"] },
  Deployment: {
    apiVersion: "apps/v1",
    paths: [
      "spec.selector.matchLabels.app",
      "spec.template.metadata.labels.app",
      "spec.template.spec.containers.0.name",
      "spec.template.spec.containers.0.image",
      "spec.template.spec.containers.0.resources.requests.memory",
      "spec.template.spec.containers.0.resources.limits.memory",
    ],
  },
};

/** Paths that are missing, and a wrong apiVersion; empty when the manifest is whole. */
function problems(manifest: unknown): string[] {
  const rule = required[String(at(manifest, "kind"))];
  if (rule === undefined) return [`unknown kind ${String(at(manifest, "kind"))}`];
  const missing = ["metadata.name", ...rule.paths].filter((path) => at(manifest, path) === undefined);
  return at(manifest, "apiVersion") === rule.apiVersion ? missing : [...missing, "apiVersion"];
}

const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const kustomization: unknown = parse(readFileSync(join(folder, "kustomization.yaml"), "utf8"));
const manifests = files
  .filter((name) => name !== "kustomization.yaml")
  .flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), "utf8"), { version: "1.1", uniqueKeys: true }))
  .map((document) => {
    expect(document.errors).toEqual([]);
    const manifest: unknown = document.toJS();
    return manifest;
  });

function named(kind: string, name: string): unknown {
  return manifests.find((manifest) => at(manifest, "kind") === kind && at(manifest, "metadata.name") === name);
}

const deployment = named("Deployment", "websocket-gateway");
const pod = at(deployment, "spec.template.spec");
const container = at(pod, "containers.0");

describe("the example's Kubernetes manifests", () => {
  it("are whole, and the kustomization lists all of them", () => {
    expect(manifests.length).toBeGreaterThan(0);
    for (const manifest of manifests) expect(problems(manifest)).toEqual([]);
    const resources = files.filter((name) => name !== "kustomization.yaml");
    expect([...list(kustomization, "resources")].sort()).toEqual(resources.sort());
  });

  it("would not be called whole without their parts", () => {
    expect(problems({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: { selector: {} } })).toContain(
      "spec.ports.0.port",
    );
    expect(problems({ apiVersion: "v1", kind: "Deployment" })).toContain("apiVersion");
    expect(problems({ kind: "Deploymnet" })).toEqual(["unknown kind Deploymnet"]);
  });

  it("stay in the namespace apps", () => {
    for (const manifest of manifests) {
      const isNamespace = at(manifest, "kind") === "Namespace";
      expect(at(manifest, isNamespace ? "metadata.name" : "metadata.namespace")).toBe("apps");
    }
  });

  it("select the pods that they make, by ports that these have", () => {
    for (const name of ["websockets", "websocket-gateway"]) {
      const labels = at(named("Deployment", name), "spec.template.metadata.labels");
      expect(at(named("Deployment", name), "spec.selector.matchLabels")).toEqual(labels);
      expect(at(named("Service", name), "spec.selector")).toEqual(labels);
      const made = list(named("Deployment", name), "spec.template.spec.containers.0.ports");
      const ports = made.map((port) => at(port, "name"));
      for (const port of list(named("Service", name), "spec.ports")) expect(ports).toContain(at(port, "targetPort"));
    }
    const budget = named("PodDisruptionBudget", "websocket-gateway");
    expect(at(budget, "spec.selector.matchLabels")).toEqual(at(deployment, "spec.selector.matchLabels"));
  });

  it("mount only what is there: the artifact, the target and the secret", () => {
    const made = list(kustomization, "configMapGenerator").map((generator) => at(generator, "name"));
    for (const name of ["websockets", "websocket-gateway"]) {
      const spec = at(named("Deployment", name), "spec.template.spec");
      const volumes = list(spec, "volumes").map((volume) => at(volume, "name"));
      for (const mount of list(spec, "containers.0.volumeMounts")) expect(volumes).toContain(at(mount, "name"));
      for (const volume of list(spec, "volumes")) {
        if (at(volume, "configMap") !== undefined) expect(made).toContain(at(volume, "configMap.name"));
      }
    }
    expect(list(container, "args")).toEqual(["/app/gateway.cjs"]);
  });

  it("probe the ops listener, and give the drain its time", () => {
    expect(at(container, "startupProbe.httpGet.path")).toBe("/readyz");
    expect(at(container, "readinessProbe.httpGet.path")).toBe("/readyz");
    expect(at(container, "livenessProbe.httpGet.path")).toBe("/healthz");
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
      expect(at(container, `${probe}.httpGet.port`)).toBe("ops");
    }
    const gateway: unknown = parse(readFileSync(join(example, "gateway", "gateway.yaml"), "utf8"));
    const seconds = (path: string): number => Number(/^(\d+)s$/.exec(String(at(gateway, path)))?.[1] ?? Number.NaN);
    const preStop = Number(at(container, "lifecycle.preStop.sleep.seconds"));
    const stopping = preStop + seconds("drain.preDrainDelay") + seconds("drain.window");
    expect(at(pod, "terminationGracePeriodSeconds")).toBeGreaterThanOrEqual(stopping + 10);
    expect(at(deployment, "spec.strategy.rollingUpdate")).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });

  it("set every variable of the bundle that has no default there, and no other", () => {
    const settings = Object.keys(Object(at(named("ConfigMap", "websocket-gateway-settings"), "data")));
    const bundle = readdirSync(join(example, "gateway"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => readFileSync(join(example, "gateway", name), "utf8"))
      .join("\n");
    const references = [...bundle.matchAll(/\{ env: (\w+)(, default)?/g)];
    expect(references.length).toBeGreaterThan(0);
    for (const [, name = "", fallback] of references) {
      if (fallback === undefined) expect(settings).toContain(`${name}_FILE`);
    }
    const known = references.map(([, name = ""]) => name);
    for (const setting of settings) expect(known).toContain(setting.replace(/_FILE$/, ""));
  });

  it("run without privileges", () => {
    for (const name of ["websockets", "websocket-gateway"]) {
      const spec = at(named("Deployment", name), "spec.template.spec");
      expect(at(spec, "securityContext.runAsNonRoot")).toBe(true);
      expect(at(spec, "automountServiceAccountToken")).toBe(false);
      expect(at(spec, "containers.0.securityContext")).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });
});
