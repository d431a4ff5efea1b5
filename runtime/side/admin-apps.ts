/** Apps over the admin API: kept, revoked, approved, stripped of their tokens, removed with their keys. */
import { revokeTokensOfApp, setAppStatus, updateRecord } from "../access/change.ts";
import { appIdentity } from "../access/identity.ts";
import type { App } from "../access/model.ts";
import { keysOfApp, recordsWhere, removeApp } from "../access/removal.ts";
import type { Limits } from "../limits.ts";
import {
  appOf,
  concerned,
  developerOf,
  isAnswer,
  isoOrNull,
  listRecords,
  nobody,
  notFound,
  pageOf,
} from "./admin-call.ts";
import type { AdminCall, Endpoint } from "./admin-call.ts";
import { collectionRoutes, dryRunField, reach, verb } from "./admin-collection.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import { attributes, choice, count, instant, orNull, page, record, recordWith, text } from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

const STATUSES = ["approved", "revoked"] as const;
/** What ids and names are made of: they stand in log lines, lists and paths. */
const NAME = /^[\x20-\x7e]{1,255}$/;

async function listApps(call: AdminCall): Promise<Answer> {
  const { fields, gateway } = call;
  const wanted = pageOf(call);
  const status = fields.choice("status", STATUSES);
  const name = fields.text("name");
  const owner = fields.text("developer");
  const problem = fields.problem();
  if (problem !== null) return problem;
  const developer = owner === null ? null : await developerOf(gateway, owner);
  if (developer !== null && isAnswer(developer)) return developer;
  const isAll = status === null && name === null && developer === null;
  const isWanted = (app: App): boolean =>
    app.status === (status ?? app.status) &&
    app.name === (name ?? app.name) &&
    app.developerId === (developer?.id ?? app.developerId);
  return listRecords(call, "app", wanted, isAll ? null : isWanted, shownApp);
}

async function getApp({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const app = await appOf(gateway, id);
  return fields.problem() ?? (isAnswer(app) ? app : jsonAnswer(200, shownApp(app)));
}

async function postApp({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const id = fields.text("id") ?? gateway.clock.randomId();
  const name = fields.neededText("name");
  const owner = fields.neededText("developer");
  const status = fields.choice("status", STATUSES) ?? "approved";
  const callbackUrl = fields.text("callbackUrl");
  const given = fields.attributes("attributes");
  const expiresAtMs = fields.instant("expiresAt");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (!NAME.test(id) || !NAME.test(name)) return badName();
  const developer = await developerOf(gateway, owner);
  if (isAnswer(developer)) return developer;
  const [same] = await recordsWhere(gateway, "app", (app) => app.name === name && app.developerId === developer.id);
  if (same !== undefined) return errorAnswer(409, "exists", "The developer has an app of that name");
  const app: App = { id, name, developerId: developer.id, status, expiresAtMs, callbackUrl, attributes: given };
  if (!(await gateway.store.put("app", id, app, { ifAbsent: true })))
    return errorAnswer(409, "exists", "An app has that id");
  audit("app.create", { app: id, developer: developer.id });
  return jsonAnswer(201, shownApp(app));
}

async function patchApp({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const name = fields.text("name");
  const callbackUrl = fields.text("callbackUrl");
  const given = fields.attributes("attributes");
  const expiresAtMs = fields.instant("expiresAt");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (name !== null && !NAME.test(name)) return badName();
  const app = await appOf(gateway, id);
  if (isAnswer(app)) return app;
  const { sessions } = await concerned(gateway, [appIdentity(app.id)]);
  const changed = await updateRecord(gateway, "app", app.id, (present) => ({
    ...present,
    name: name ?? present.name,
    callbackUrl: callbackUrl ?? present.callbackUrl,
    attributes: fields.has("attributes") ? given : present.attributes,
    ...(fields.has("expiresAt") ? { expiresAtMs } : {}),
  }));
  if (changed === null) return notFound("app");
  audit("app.update", { app: changed.id, sessions });
  return jsonAnswer(200, shownApp(changed));
}

const badName = (): Answer => badRequest("id and name have 1 to 255 printable ASCII characters");

async function deleteApp({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const dryRun = fields.flag("dryRun");
  const problem = fields.problem();
  if (problem !== null) return problem;
  const app = await appOf(gateway, id);
  if (isAnswer(app)) return app;
  const concern = await concerned(gateway, [appIdentity(app.id)], { dryRun });
  if (dryRun) return jsonAnswer(200, { keys: (await keysOfApp(gateway, app.id)).length, ...concern, dryRun });
  const keys = await removeApp(gateway, app);
  audit("app.delete", { app: app.id, keys, sessions: concern.sessions });
  return jsonAnswer(200, { keys, ...concern, dryRun });
}

function appAction(action: "revoked" | "approved" | "tokens.revoked"): Endpoint {
  return async ({ audit, fields, gateway, id }) => {
    const dryRun = action !== "approved" && fields.flag("dryRun");
    const problem = fields.problem();
    if (problem !== null) return problem;
    const app = await appOf(gateway, id);
    if (isAnswer(app)) return app;
    const kind = action === "tokens.revoked" ? "token" : undefined;
    const concern = action === "approved" ? nobody : await concerned(gateway, [appIdentity(app.id)], { dryRun, kind });
    if (dryRun) return jsonAnswer(200, { ...shownApp(app), ...concern, dryRun });
    const changed =
      action === "tokens.revoked"
        ? await revokeTokensOfApp(gateway, app.id)
        : await setAppStatus(gateway, app.id, action);
    if (changed === null) return notFound("app");
    audit(`app.${action}`, { app: changed.id, sessions: concern.sessions });
    return jsonAnswer(200, { ...shownApp(changed), ...concern, dryRun });
  };
}

function shownApp({ developerId, expiresAtMs, tokensRevokedAtMs, ...app }: App): object {
  const expiresAt = isoOrNull(expiresAtMs ?? null);
  return { ...app, developer: developerId, expiresAt, tokensRevokedAt: isoOrNull(tokensRevokedAtMs ?? null) };
}

/** Apps, as the document describes them. */
export function appsSubject(limits: Limits): AdminSubject {
  const given = {
    name: text("Name; a developer has no two apps of one name."),
    callbackUrl: text("Where OAuth grants lead back to."),
    attributes: attributes("Custom attributes; policies read them as `app.<name>`."),
    expiresAt: orNull(instant("From then on as revoked; null: never.")),
  };
  const status = choice("Whether it may be used.", STATUSES);
  const developer = text("Id or e-mail address of the developer.");
  const dryRun = dryRunField();
  const path = "/v1/apps/{app}";
  const collection = collectionRoutes(
    {
      many: "apps",
      one: "app",
      schema: "App",
      filters: { developer, status, name: text("Only of this name.") },
      made: { id: text("Default: a random one."), developer, status, ...given },
      needed: ["name", "developer"],
      changed: given,
      onCreate: "Makes an app, without keys.",
      onChange: "Changes the fields that are given.",
      onRemove: "Removes an app with its keys, and ends its sessions.",
      list: listApps,
      post: postApp,
      get: getApp,
      patch: patchApp,
      remove: deleteApp,
    },
    limits,
  );
  const off = "Refuses all keys and tokens of the app, and ends its sessions.";
  const tokens = "Revokes all tokens issued until now, and ends their sessions; keys go on.";
  return {
    name: "apps",
    description: "What developers' keys belong to.",
    parameters: { app: "Id of the app, or its name where only one has it." },
    schemas: appSchemas({ ...given, status }),
    routes: [
      ...collection,
      verb(`${path}:revoke`, "revokeApp", off, "AppChange", dryRun, appAction("revoked")),
      verb(`${path}:approve`, "approveApp", "Lifts a revocation.", "AppChange", {}, appAction("approved")),
      verb(`${path}:revokeTokens`, "revokeTokensOfApp", tokens, "AppChange", dryRun, appAction("tokens.revoked")),
    ],
  };
}

function appSchemas(fields: Properties): Properties {
  const app = record("An app; while revoked, none of its keys and tokens is accepted.", {
    id: text("Never changes."),
    ...fields,
    callbackUrl: orNull(text("Where OAuth grants lead back to.")),
    developer: text("Id of the developer who owns it."),
    tokensRevokedAt: orNull(instant("Tokens issued up to then are refused.")),
  });
  return {
    App: app,
    AppPage: page("apps", "App"),
    AppChange: recordWith(app, "The app after the change, or before it in a dry run.", reach()),
    AppRemoval: record("What goes with the app.", { keys: count("Keys."), ...reach() }),
  };
}
