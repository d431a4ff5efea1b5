/** One row of the tables of faults. Types only. */

/** Apigee's fault taxonomy (`fault.category`). */
export type FaultCategory = "Step" | "Messaging" | "Transport" | "System";

/** One kind of fault. */
export interface FaultRow {
  /** HTTP status of the answer when no fault rule says otherwise. */
  readonly status: number;
  /** `faultstring`; `{}` is where the detail goes. */
  readonly text: string;
  readonly category: FaultCategory;
  /** `fault.subcategory`. */
  readonly subcategory: string;
  /** Prefix of the failing policy's `<prefix>.<policy>.failed` variable, where a policy raises it. */
  readonly failedPrefix?: string;
}
