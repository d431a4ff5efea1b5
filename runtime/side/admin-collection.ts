/**
 * The five operations that every collection of records has, and what changes of records have in common. It only
 * describes.
 */
import type { Limits } from "../limits.ts";
import type { Endpoint } from "./admin-call.ts";
import type { AdminRoute, Properties } from "./admin-route.ts";
import { count, flag, paging } from "./admin-schema.ts";

/** A collection and who answers for it. */
export interface Collection {
  /** As in `/v1/apps` and `AppPage`. */
  readonly many: string;
  /** As in `/v1/apps/{app}`. */
  readonly one: string;
  /** Name of the schema: `App`; `AppPage` and `AppRemoval` go with it. */
  readonly schema: string;
  /** Of lists. */
  readonly filters: Properties;
  readonly made: Properties;
  readonly needed: readonly string[];
  /** Schema of what making one answers, where it is another. */
  readonly madeSchema?: string;
  readonly changed: Properties;
  /** Schema of what changing one answers, where it is another. */
  readonly changedSchema?: string;
  /** What happens beyond the record itself. */
  readonly onCreate: string;
  readonly onChange: string;
  readonly onRemove: string;
  readonly list: Endpoint;
  readonly post: Endpoint;
  readonly get: Endpoint;
  readonly patch: Endpoint;
  readonly remove: Endpoint;
}

/** What a change tells beyond the record. */
export function reach(): Properties {
  return {
    sessions: count("Live sessions that the change concerns: in a dry run of all replicas, else of this process."),
    silent: count("Replicas that were asked in a dry run and did not answer; their sessions are not counted."),
    dryRun: flag("True: nothing was changed."),
  };
}

/** The field that asks for a dry run. */
export function dryRunField(): Properties {
  return { dryRun: flag("Only tell which sessions it would concern.") };
}

/** The operations of a collection. */
export function collectionRoutes(collection: Collection, { adminPageMax }: Limits): readonly AdminRoute[] {
  const { changed, filters, made, many, needed, one, schema } = collection;
  const path = `/v1/${many}`;
  const item = `${path}/{${one}}`;
  return [
    {
      method: "GET",
      path,
      id: `list${schema}s`,
      summary: `Lists ${many} that match all that is given.`,
      query: { ...paging(adminPageMax), ...filters },
      answers: { 200: `${schema}Page` },
      endpoint: collection.list,
    },
    {
      method: "POST",
      path,
      id: `create${schema}`,
      summary: collection.onCreate,
      body: made,
      needed,
      answers: { 201: collection.madeSchema ?? schema },
      endpoint: collection.post,
    },
    {
      method: "GET",
      path: item,
      id: `get${schema}`,
      summary: `Gets one of the ${many}.`,
      answers: { 200: schema },
      endpoint: collection.get,
    },
    {
      method: "PATCH",
      path: item,
      id: `update${schema}`,
      summary: collection.onChange,
      body: changed,
      answers: { 200: collection.changedSchema ?? schema },
      endpoint: collection.patch,
    },
    {
      method: "DELETE",
      path: item,
      id: `delete${schema}`,
      summary: collection.onRemove,
      query: dryRunField(),
      answers: { 200: `${schema}Removal` },
      endpoint: collection.remove,
    },
  ];
}

/** An operation beyond those: `POST` on a path that ends with a colon and a verb. */
export function verb(
  path: string,
  id: string,
  summary: string,
  answer: string,
  body: Properties,
  endpoint: Endpoint,
): AdminRoute {
  return { method: "POST", path, id, summary, body, answers: { 200: answer }, endpoint };
}
