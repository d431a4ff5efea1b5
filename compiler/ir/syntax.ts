/**
 * What parsing gives: plain values with positions, each document in the place that its file's path gives it. Types
 * only. No value here has been checked against a schema.
 */
import type { PositionIndex } from "../source/position-index.ts";
import type { SourceFile } from "../source/source-file.ts";

/** What a file is, by its path within the project. */
export type Place =
  | { readonly kind: "gateway" }
  | { readonly kind: "proxy"; readonly name: string }
  | { readonly kind: "proxyPolicy"; readonly owner: string; readonly name: string }
  | { readonly kind: "proxyProperties"; readonly owner: string; readonly name: string }
  | { readonly kind: "sharedFlow"; readonly name: string }
  | { readonly kind: "sharedFlowPolicy"; readonly owner: string; readonly name: string }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "access"; readonly name: string };

/** Places of YAML documents. */
export type DocumentPlace = Exclude<Place, { readonly kind: "proxyProperties" }>;

/** A map of the YAML, as a plain object. Keys are texts; unsafe ones never occur. */
export type PlainMap = Readonly<Record<string, unknown>>;

/** One YAML document. */
export interface ParsedDocument {
  readonly file: SourceFile;
  readonly place: DocumentPlace;
  readonly value: PlainMap;
  /** True when the file holds no other document, so that the file's name can be its name. */
  readonly alone: boolean;
}

/** A file of resources/properties: a property set of a proxy. */
export interface PropertyFile {
  readonly file: SourceFile;
  readonly proxy: string;
  /** The set. */
  readonly name: string;
  readonly values: Readonly<Record<string, string>>;
}

/** All documents of a project that could be read, in path order. */
export interface ParsedProject {
  readonly documents: readonly ParsedDocument[];
  readonly propertyFiles: readonly PropertyFile[];
  readonly positions: PositionIndex;
}
