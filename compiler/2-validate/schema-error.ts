/**
 * The form of what the generated validators report, and of the schema annotations that the words come from. Types
 * only.
 */

/** A schema with the annotations that this phase reads. */
export interface AnnotatedSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  /** What a value here is, in the user's words. */
  readonly "x-expected"?: string;
  /** Name in formats.ts. */
  readonly "x-format"?: string;
  /** True where a secret belongs, so that a literal is one in clear. */
  readonly "x-secret"?: boolean;
  /** Keys or values that Apigee knows and that are not supported. */
  readonly "x-not-yet"?: readonly string[];
  /** Unknown key -> what to do instead. */
  readonly "x-hints"?: Readonly<Record<string, string>>;
  /** The rule of a structural keyword (not, anyOf, minProperties ...) in the user's words. */
  readonly "x-rule"?: string;
  /** The key that a broken rule is shown at. */
  readonly "x-key"?: string;
  /** Who needs a missing key, when it is not the map itself. */
  readonly "x-owner"?: string;
}

/** One error of ajv in verbose form. */
export interface SchemaError {
  /** JSON pointer of the value. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Inside `propertyNames`: the key that is meant instead of the value. */
  readonly propertyName?: string;
  readonly schema?: unknown;
  readonly parentSchema?: AnnotatedSchema;
  readonly data?: unknown;
}
