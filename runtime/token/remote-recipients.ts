/** Fetched key sets that tokens are encrypted for, shared by the policies that name their URL. */
import type { KeyObject } from "node:crypto";
import type { Gateway } from "../gateway.ts";
import type { Maybe } from "../maybe.ts";
import { pickRecipient, readRecipients } from "./encryption.ts";
import type { EncryptionKeyProblem, EncryptionRules, Recipients } from "./encryption.ts";
import { RemoteSet } from "./remote-set.ts";

/** The key that `kid` names in the set at that URL, and that fits the algorithm. */
export function remoteRecipient(
  gateway: Gateway,
  rules: EncryptionRules,
  url: string,
  kid: string | null,
): Maybe<KeyObject | EncryptionKeyProblem | "KeySetUnavailable"> {
  return setOf(gateway, rules, url).find<KeyObject | EncryptionKeyProblem>((set) => pickRecipient(rules, set, kid));
}

function setOf(gateway: Gateway, { keyForm }: EncryptionRules, url: string): RemoteSet<Recipients> {
  const { counters, limits } = gateway;
  const allowPrivateAddresses = keyForm.form === "url" && keyForm.allowPrivateAddresses;
  const at = `recipients ${allowPrivateAddresses ? "anywhere" : "public"} ${url}`;
  const present = counters.get(at);
  if (present instanceof RemoteSet) return present;
  const read = (text: string): Recipients | null => readRecipients(text, limits.jwksKeysMax);
  const set = new RemoteSet(gateway, { url, allowPrivateAddresses }, read);
  counters.set(at, set);
  return set;
}
