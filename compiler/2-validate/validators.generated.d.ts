/** Types of the generated validators. */
import type { SchemaError } from "./schema-error.ts";

/** Returns true when the value fits; else leaves what does not fit in `errors`. */
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

export declare const gateway: Validator;
export declare const environment: Validator;
export declare const proxy: Validator;
export declare const sharedFlow: Validator;
export declare const access: Validator;
export declare const policy: Validator;
