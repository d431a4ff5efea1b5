/** The part of the bundle model that says what is observed of a gateway: log lines and analytics. Types only. */
import type { FileSource } from "./model.ts";

/** Which fields lines of the log have; absent: every field, and nothing that is shown by name only. */
export interface LogsModel {
  readonly fields?: readonly string[];
  readonly queryParams?: readonly string[];
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
}

export interface DataCollectorModel {
  readonly name: string;
  readonly type: "STRING" | "INTEGER" | "FLOAT" | "BOOLEAN" | "DATETIME";
}

/** What is not written has the schema's default. */
export interface AnalyticsModel {
  readonly file?: FileSource;
  readonly maxSize?: string;
  readonly retention?: {
    readonly rows?: string;
    readonly minutes?: string;
    readonly hours?: string;
    readonly days?: string;
  };
}
