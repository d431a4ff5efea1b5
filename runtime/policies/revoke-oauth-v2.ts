/** RevokeOAuthV2: revokes the tokens of an app, an end user, or an end user at one app, and ends their sessions. */
import { askStore } from "../access/admission.ts";
import { revokeTokensOf } from "../access/cutoff.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { textOf } from "../token/token-answer.ts";

export interface RevokeOAuthV2Config {
  readonly name: string;
  /** Refresh tokens too. */
  readonly cascade: boolean;
}

/** Whose tokens; what is not configured is absent, what is configured must have a value. */
export interface RevokedSet {
  readonly appId?: Value;
  readonly endUserId?: Value;
  /** Milliseconds of the wall clock. */
  readonly revokeBeforeTimestamp?: Value;
}

/** An empty value is a fault, so that a variable that nobody filled never widens the set. */
export function revokeOAuthV2(x: Exchange, { name, cascade }: RevokeOAuthV2Config, set: RevokedSet): Maybe<void> {
  const needed = (value: Value | undefined, parameter: string): string | null => {
    if (value === undefined) return null;
    if (textOf(value) === "") throw accessFault("steps.oauth.v2.invalid_request", parameter, name);
    return textOf(value);
  };
  const appId = needed(set.appId, "AppId");
  const endUser = needed(set.endUserId, "EndUserId");
  const until = needed(set.revokeBeforeTimestamp, "RevokeBeforeTimestamp");
  const untilMs = until === null ? null : Number(until);
  if (untilMs !== null && (!Number.isSafeInteger(untilMs) || untilMs < 0)) {
    throw accessFault("steps.oauth.v2.invalid_request", "RevokeBeforeTimestamp", name);
  }
  const revoking = askStore(name, () => revokeTokensOf(x.gateway, { appId, endUser }, { untilMs, cascade }));
  return andThen(revoking, (isKnown) => {
    if (!isKnown) throw accessFault("steps.oauth.v2.invalid_request", "AppId", name);
  });
}
