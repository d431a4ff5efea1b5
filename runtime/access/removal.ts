/**
 * Removing records with all that depends on them: a developer with the apps, an app with its keys. What admits goes
 * first, so that an interrupted removal leaves records that open nothing.
 */
import type { Limits } from "../limits.ts";
import type { ListedRecord, RecordKind, Records, Store } from "../state/store.ts";
import { removeRecord } from "./change.ts";
import type { AccessServices } from "./change.ts";
import type { App, Developer, KeyRecord } from "./model.ts";

/** Reads all records of a kind page by page and gives those that are wanted. */
export async function recordsWhere<K extends RecordKind>(
  { store, limits }: { readonly store: Store; readonly limits: Limits },
  kind: K,
  isWanted: (record: Records[K]) => boolean,
): Promise<readonly Records[K][]> {
  const found: Records[K][] = [];
  let after: string | undefined = "";
  while (after !== undefined) {
    const page: readonly ListedRecord<K>[] = await store.list(kind, { after, limit: limits.adminPageMax });
    for (const { record } of page) if (isWanted(record)) found.push(record);
    after = page.length < limits.adminPageMax ? undefined : page.at(-1)?.id;
  }
  return found;
}

/** What an app takes along. */
export const keysOfApp = (services: AccessServices, appId: string): Promise<readonly KeyRecord[]> =>
  recordsWhere(services, "key", (key) => key.appId === appId);

/** What a developer takes along. */
export const appsOfDeveloper = (services: AccessServices, developerId: string): Promise<readonly App[]> =>
  recordsWhere(services, "app", (app) => app.developerId === developerId);

/** Removes an app and its keys; its tokens open nothing from then on. How many keys went. */
export async function removeApp(services: AccessServices, app: App): Promise<number> {
  await removeRecord(services, "app", app.id);
  const keys = await keysOfApp(services, app.id);
  for (const key of keys) await removeRecord(services, "key", key.id);
  return keys.length;
}

/** Removes a developer, the apps and their keys. How many of each went. */
export async function removeDeveloper(
  services: AccessServices,
  developer: Developer,
): Promise<{ readonly apps: number; readonly keys: number }> {
  await removeRecord(services, "developer", developer.id);
  const apps = await appsOfDeveloper(services, developer.id);
  let keys = 0;
  for (const app of apps) keys += await removeApp(services, app);
  return { apps: apps.length, keys };
}
