/** SetOAuthV2Info: adds and replaces custom attributes of an access token. Nothing else of a token can be changed. */
import { askStore } from "../access/admission.ts";
import { changeRecord, eventNow } from "../access/change.ts";
import { tokenIdentity } from "../access/identity.ts";
import type { TokenRecord } from "../access/model.ts";
import { keptUntilMs } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { storedToken } from "../token/stored-credential.ts";
import type { StoredSource } from "../token/stored-credential.ts";
import { textOf } from "../token/token-answer.ts";
import { tokenInfo } from "../token/token-info.ts";
import type { RequestedAttribute } from "../token/token-request.ts";

export interface SetOAuthV2InfoConfig extends StoredSource {
  /** Somebody reads `oauthv2accesstoken.<policy>.*`. */
  readonly keep: boolean;
}

const ATTRIBUTES_MAX = 18;

/** The new attributes count from the next verification on, on every replica; open sessions stay. */
export function setOAuthV2Info(
  x: Exchange,
  config: SetOAuthV2InfoConfig,
  value: Value,
  attributes: readonly RequestedAttribute[],
): Maybe<void> {
  const { store, clock, limits } = x.gateway;
  const change = askStore(config.name, () =>
    andThen(storedToken(x, config, value, "access"), ({ id }) =>
      changeRecord(store, "token", id, (token) => {
        const record = withAttributes(token, attributes);
        if (Object.keys(record.attributes).length > ATTRIBUTES_MAX) {
          throw accessFault("steps.oauth.v2.invalid_request", `at most ${ATTRIBUTES_MAX} Attributes`, config.name);
        }
        const expiresAtMs = keptUntilMs(token.expiresAtMs, limits);
        return { record, expiresAtMs, event: eventNow(clock, "changed", [tokenIdentity(id)]) };
      }),
    ),
  );
  return andThen(change, (token) => {
    if (token === null) throw accessFault("steps.oauth.v2.invalid_access_token", "", config.name);
    if (!config.keep) return;
    return andThen(askStore(config.name, () => tokenInfo(x, token, textOf(value))), ({ fields }) => {
      x.keep(config.name, { kind: "issued", fields } satisfies IssuedVariables);
    });
  });
}

function withAttributes(token: TokenRecord, attributes: readonly RequestedAttribute[]): TokenRecord {
  const named = attributes.map(({ name }) => name);
  const hidden = [
    ...(token.hidden ?? []).filter((name) => !named.includes(name)),
    ...attributes.filter(({ display }) => !display).map(({ name }) => name),
  ];
  const { hidden: _, ...rest } = token;
  const added = Object.fromEntries(attributes.map(({ name, value }) => [name, textOf(value)]));
  const record = { ...rest, attributes: { ...token.attributes, ...added } };
  return hidden.length === 0 ? record : { ...record, hidden };
}
