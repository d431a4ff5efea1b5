/** Developers over the admin API: kept, activated, deactivated, stripped of their tokens, removed with all they own. */
import { revokeTokensOfDeveloper, setDeveloperStatus, updateRecord } from "../access/change.ts";
import { developerIdentity, developerIdOfEmail } from "../access/identity.ts";
import type { Developer } from "../access/model.ts";
import { appsOfDeveloper, removeDeveloper } from "../access/removal.ts";
import type { Limits } from "../limits.ts";
import { concerned, developerOf, isAnswer, isoOrNull, listRecords, nobody, notFound, pageOf } from "./admin-call.ts";
import type { AdminCall, Endpoint } from "./admin-call.ts";
import type { Fields } from "./admin-body.ts";
import { collectionRoutes, dryRunField, reach, verb } from "./admin-collection.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import { attributes, choice, count, instant, orNull, page, record, recordWith, text } from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

const STATUSES = ["active", "inactive"] as const;
const EMAIL = /^[^\s@]{1,127}@[^\s@]{1,126}$/;

async function listDevelopers(call: AdminCall): Promise<Answer> {
  const wanted = pageOf(call);
  const status = call.fields.choice("status", STATUSES);
  const email = call.fields.text("email");
  const isAll = status === null && email === null;
  const isWanted = (developer: Developer): boolean =>
    developer.status === (status ?? developer.status) && developer.email === (email ?? developer.email);
  return call.fields.problem() ?? listRecords(call, "developer", wanted, isAll ? null : isWanted, shownDeveloper);
}

async function getDeveloper({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const developer = await developerOf(gateway, id);
  return fields.problem() ?? (isAnswer(developer) ? developer : jsonAnswer(200, shownDeveloper(developer)));
}

async function postDeveloper({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const email = fields.neededText("email");
  const status = fields.choice("status", STATUSES) ?? "active";
  const changes = changesIn(fields);
  const problem = fields.problem() ?? emailProblem(email);
  if (problem !== null) return problem;
  const id = developerIdOfEmail(gateway.organization, email);
  if (!isAnswer(await developerOf(gateway, email))) return emailTaken(email);
  const made = { id, email, userName: email, firstName: "", lastName: "", status, attributes: {}, ...changes };
  if (!(await gateway.store.put("developer", id, made, { ifAbsent: true }))) return emailTaken(email);
  audit("developer.create", { developer: id });
  return jsonAnswer(201, shownDeveloper(made));
}

async function patchDeveloper({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const email = fields.text("email");
  const changes = changesIn(fields);
  const problem = fields.problem() ?? (email === null ? null : emailProblem(email));
  if (problem !== null) return problem;
  const developer = await developerOf(gateway, id);
  if (isAnswer(developer)) return developer;
  if (email !== null && email !== developer.email && !isAnswer(await developerOf(gateway, email)))
    return emailTaken(email);
  const { sessions } = await concerned(gateway, [developerIdentity(developer.id)]);
  const changed = await updateRecord(gateway, "developer", developer.id, (present) => {
    return { ...present, ...changes, email: email ?? present.email };
  });
  if (changed === null) return notFound("developer");
  audit("developer.update", { developer: changed.id, sessions });
  return jsonAnswer(200, shownDeveloper(changed));
}

async function deleteDeveloper({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const dryRun = fields.flag("dryRun");
  const problem = fields.problem();
  if (problem !== null) return problem;
  const developer = await developerOf(gateway, id);
  if (isAnswer(developer)) return developer;
  const concern = await concerned(gateway, [developerIdentity(developer.id)], { dryRun });
  if (dryRun) {
    const { length } = await appsOfDeveloper(gateway, developer.id);
    return jsonAnswer(200, { apps: length, ...concern, dryRun });
  }
  const { apps, keys } = await removeDeveloper(gateway, developer);
  audit("developer.delete", { developer: developer.id, apps, keys, sessions: concern.sessions });
  return jsonAnswer(200, { apps, ...concern, dryRun });
}

function developerAction(action: "inactive" | "active" | "tokens.revoked"): Endpoint {
  return async ({ audit, fields, gateway, id }) => {
    const dryRun = action !== "active" && fields.flag("dryRun");
    const problem = fields.problem();
    if (problem !== null) return problem;
    const developer = await developerOf(gateway, id);
    if (isAnswer(developer)) return developer;
    const kind = action === "tokens.revoked" ? "token" : undefined;
    const identities = [developerIdentity(developer.id)];
    const concern = action === "active" ? nobody : await concerned(gateway, identities, { dryRun, kind });
    if (dryRun) return jsonAnswer(200, { ...shownDeveloper(developer), ...concern, dryRun });
    const changed =
      action === "tokens.revoked"
        ? await revokeTokensOfDeveloper(gateway, developer.id)
        : await setDeveloperStatus(gateway, developer.id, action);
    if (changed === null) return notFound("developer");
    audit(`developer.${action}`, { developer: changed.id, sessions: concern.sessions });
    return jsonAnswer(200, { ...shownDeveloper(changed), ...concern, dryRun });
  };
}

/** The fields that a body gives; those that it does not give stay as they are. */
function changesIn(fields: Fields): Partial<Developer> {
  const userName = fields.text("userName");
  const firstName = fields.text("firstName");
  const lastName = fields.text("lastName");
  const given = fields.attributes("attributes");
  const expiresAtMs = fields.instant("expiresAt");
  return {
    ...(fields.has("expiresAt") ? { expiresAtMs } : {}),
    ...(userName === null ? {} : { userName }),
    ...(firstName === null ? {} : { firstName }),
    ...(lastName === null ? {} : { lastName }),
    ...(fields.has("attributes") ? { attributes: given } : {}),
  };
}

function emailProblem(email: string): Answer | null {
  return EMAIL.test(email) ? null : badRequest("email is no e-mail address");
}

const emailTaken = (email: string): Answer => errorAnswer(409, "exists", `A developer has the address ${email}`);

function shownDeveloper({ expiresAtMs, tokensRevokedAtMs, ...developer }: Developer): object {
  const expiresAt = isoOrNull(expiresAtMs ?? null);
  return { ...developer, expiresAt, tokensRevokedAt: isoOrNull(tokensRevokedAtMs ?? null) };
}

/** Developers, as the document describes them. */
export function developersSubject(limits: Limits): AdminSubject {
  const names = {
    userName: text("User name."),
    firstName: text("First name."),
    lastName: text("Last name."),
    attributes: attributes("Custom attributes; policies read them as `developer.<name>`."),
    expiresAt: orNull(instant("From then on as inactive; null: never.")),
  };
  const status = choice("Whether the apps may be used.", STATUSES);
  const email = text("E-mail address; no two developers share one.");
  const dryRun = dryRunField();
  const path = "/v1/developers/{developer}";
  const change = "DeveloperChange";
  const collection = collectionRoutes(
    {
      many: "developers",
      one: "developer",
      schema: "Developer",
      filters: { status, email },
      made: { email, status, ...names },
      needed: ["email"],
      changed: { email, ...names },
      onCreate: "Makes a developer.",
      onChange: "Changes the fields that are given.",
      onRemove: "Removes a developer with all apps and keys, and ends their sessions.",
      list: listDevelopers,
      post: postDeveloper,
      get: getDeveloper,
      patch: patchDeveloper,
      remove: deleteDeveloper,
    },
    limits,
  );
  const off = "Refuses all keys and tokens of the developer's apps, and ends their sessions.";
  const tokens = "Revokes all tokens issued until now, and ends their sessions; keys go on.";
  return {
    name: "developers",
    description: "Who owns apps.",
    parameters: { developer: "Id or e-mail address of the developer." },
    schemas: developerSchemas({ email, ...names, status }),
    routes: [
      ...collection,
      verb(`${path}:deactivate`, "deactivateDeveloper", off, change, dryRun, developerAction("inactive")),
      verb(`${path}:activate`, "activateDeveloper", "Lifts a deactivation.", change, {}, developerAction("active")),
      verb(
        `${path}:revokeTokens`,
        "revokeTokensOfDeveloper",
        tokens,
        change,
        dryRun,
        developerAction("tokens.revoked"),
      ),
    ],
  };
}

function developerSchemas(fields: Properties): Properties {
  const developer = record("A developer; while inactive, all keys and tokens of the developer's apps are refused.", {
    id: text("Never changes."),
    ...fields,
    tokensRevokedAt: orNull(instant("Tokens issued up to then are refused.")),
  });
  return {
    Developer: developer,
    DeveloperPage: page("developers", "Developer"),
    DeveloperChange: recordWith(developer, "The developer after the change, or before it in a dry run.", reach()),
    DeveloperRemoval: record("What goes with the developer.", { apps: count("Apps."), ...reach() }),
  };
}
