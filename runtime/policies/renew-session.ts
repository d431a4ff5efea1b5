/**
 * RenewSession: asks every process that shares the store to let a session live on by the token that this request has
 * proven, and tells how many do. Which sessions may is decided where they are (upgrade/renewal.ts).
 */
import { askStore } from "../access/admission.ts";
import type { Credential } from "../access/credential.ts";
import { digest } from "../access/digest.ts";
import { jtiIdentity, sessionIdentity, tokenIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import { isToken } from "../access/renewal.ts";
import type { RenewalAnswer } from "../access/renewal.ts";
import type { Exchange, Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { renewalFaults } from "../fault/renewal.ts";
import type { Gateway } from "../gateway.ts";
import { answerId, gatherAnswers } from "../state/replicas.ts";
import type { RevocationEvent } from "../state/store.ts";
import { parseCompact, textMember } from "../token/compact.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { jsonAnswer } from "../token/json-answer.ts";

export interface RenewSessionConfig {
  readonly name: string;
  /** The policy makes the answer. */
  readonly respond: boolean;
  /** Somebody reads `renewsession.<policy>.*`. */
  readonly keep: boolean;
}

/** What names the sessions: the id of one or of its ticket, else a token that they have or had. */
export interface NamedSessions {
  readonly session: Value;
  readonly token: Value;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Renews, and answers with the number of sessions. */
export async function renewSession(x: Exchange, config: RenewSessionConfig, named: NamedSessions): Promise<void> {
  const { name, respond, keep } = config;
  const { gateway } = x;
  const credential = provenToken(x, name);
  const identity = identityOf(x, named);
  if (identity === null) throw faultIn(renewalFaults, "steps.renewsession.NoSession", "", name);
  const id = gateway.clock.randomId();
  const atMs = gateway.clock.wallMs();
  const event: RevocationEvent = { effect: "renewed", identities: [identity], renewal: { id, credential }, atMs };
  const isOne = identity.startsWith("session:");
  const { moved, refused, why } = await askStore(name, () => answersTo(gateway, event, id, isOne));
  if (moved + refused === 0) gateway.metrics.count("renewalsUnmatched");
  if (moved === 0 && why !== null) throw faultIn(renewalFaults, `steps.renewsession.${why}`, "", name);
  if (respond) x.response = jsonAnswer(JSON.stringify({ sessions: moved, refused }));
  if (!keep) return;
  const fields = new Map([["sessions", String(moved)], ["refused", String(refused)]]);
  x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
}

/** The one token that the policies before have verified. */
function provenToken({ proven }: Exchange, policy: string): Credential {
  const [token, ...others] = (proven ?? []).filter(isToken);
  if (token === undefined || others.length > 0) throw faultIn(renewalFaults, "steps.renewsession.NothingProven", "", policy);
  return token;
}

/** Nothing of the old token is believed: it only says which sessions are meant, and those know whose they are. */
function identityOf({ gateway }: Exchange, { session, token }: NamedSessions): Identity | null {
  if (session !== null && session !== "") return UUID.test(String(session)) ? sessionIdentity(String(session)) : null;
  if (token === null || token === "") return null;
  const jwt = parseCompact(String(token), gateway.limits.jwtCharsMax);
  if (jwt === null) return tokenIdentity(digest(String(token)));
  const jti = textMember(jwt.claims, "jti");
  return jti === null ? null : jtiIdentity(textMember(jwt.claims, "iss") ?? "", jti);
}

/**
 * What the processes answer, this one among them: until all have that are in the register. One session is in one of
 * them, which is enough.
 */
async function answersTo(gateway: Gateway, event: RevocationEvent, id: string, isOne: boolean): Promise<RenewalAnswer> {
  const { clock, instance, limits, replicas, store } = gateway;
  // Who enters the register later hears the event, or had no session yet when it passed.
  const others = replicas === null ? [] : await replicas.others();
  await store.append(event);
  const answers = await gatherAnswers(clock, {
    asked: [instance.uuid, ...others.map((other) => other.id)],
    read: () => readAnswers(gateway, id),
    isEnough: (all) => isOne && [...all.values()].some(({ moved, refused }) => moved + refused > 0),
    waitMs: limits.renewalWaitMs,
  });
  const sum = { moved: 0, refused: 0, why: null };
  return [...answers.values()].reduce<RenewalAnswer>((so, { moved, refused, why }) => {
    return { moved: so.moved + moved, refused: so.refused + refused, why: why ?? so.why };
  }, sum);
}

async function readAnswers({ limits, store }: Gateway, id: string): Promise<ReadonlyMap<string, RenewalAnswer>> {
  const before = answerId(id, "");
  const listed = await store.list("renewal", { after: before, limit: limits.renewalAnswersMax });
  const own = listed.filter((one) => one.id.startsWith(before));
  return new Map(own.map((one) => [one.id.slice(before.length), one.record]));
}
