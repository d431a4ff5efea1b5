/** The actions of AssignMessage and RaiseFault as the schema lets them through. Types only. */
import type { PolicyModel } from "../../ir/model.ts";

export interface SetModel {
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryParams?: Readonly<Record<string, string>>;
  readonly formParams?: Readonly<Record<string, string>>;
  readonly verb?: string;
  readonly path?: string;
  readonly version?: string;
  readonly statusCode?: number | string;
  readonly reasonPhrase?: string;
  readonly payload?: string | PayloadModel;
}

export interface PayloadModel {
  readonly contentType?: string;
  readonly value: string;
  /** What stands around variables in place of `{` and `}`. */
  readonly variablePrefix?: string;
  readonly variableSuffix?: string;
}

export interface AddModel {
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryParams?: Readonly<Record<string, string>>;
  readonly formParams?: Readonly<Record<string, string>>;
}

/** True: all of them. */
export type NamesModel = true | readonly string[];

export interface RemoveModel {
  readonly headers?: NamesModel;
  readonly queryParams?: NamesModel;
  readonly formParams?: NamesModel;
  readonly payload?: boolean;
}

export interface CopyModel {
  readonly source?: string;
  readonly headers?: NamesModel;
  readonly queryParams?: NamesModel;
  readonly formParams?: NamesModel;
  readonly verb?: boolean;
  readonly path?: boolean;
  readonly version?: boolean;
  readonly statusCode?: boolean;
  readonly reasonPhrase?: boolean;
  readonly payload?: boolean;
}

export interface AssignVariableModel {
  readonly name: string;
  readonly ref?: string;
  readonly template?: string;
  readonly value?: string;
}

/** Exactly one of these. */
export interface ActionModel {
  readonly set?: SetModel;
  readonly add?: AddModel;
  readonly remove?: RemoveModel;
  readonly copy?: CopyModel;
  readonly assignVariable?: AssignVariableModel;
}

/** A policy made of actions. */
export interface ActionsModel extends PolicyModel {
  readonly ignoreUnresolvedVariables?: boolean;
  readonly actions?: readonly ActionModel[];
}
