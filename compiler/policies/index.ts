/** Every policy there is, one line each, in the order in which a request usually meets them. */
import type { PolicyDefinition } from "./definition.ts";
import { accessControl } from "./access-control.ts";
import { assignMessage } from "./assign-message.ts";
import { basicAuthentication } from "./basic-authentication.ts";
import { dataCapture } from "./data-capture.ts";
import { decodeJws } from "./decode-jws.ts";
import { decodeJwt } from "./decode-jwt.ts";
import { deleteOAuthV2Info } from "./delete-oauth-v2-info.ts";
import { flowCallout } from "./flow-callout.ts";
import { generateJws } from "./generate-jws.ts";
import { generateJwt } from "./generate-jwt.ts";
import { getOAuthV2Info } from "./get-oauth-v2-info.ts";
import { generateTicket } from "./generate-ticket.ts";
import { hmac } from "./hmac.ts";
import { introspectToken } from "./introspect-token.ts";
import { messageLogging } from "./message-logging.ts";
import { oauthV2 } from "./oauth-v2.ts";
import { raiseFault } from "./raise-fault.ts";
import { revokeBySecurityEvent } from "./revoke-by-security-event.ts";
import { revokeJwt } from "./revoke-jwt.ts";
import { revokeOAuthV2 } from "./revoke-oauth-v2.ts";
import { setOAuthV2Info } from "./set-oauth-v2-info.ts";
import { renewSession } from "./renew-session.ts";
import { spikeArrest } from "./spike-arrest.ts";
import { verifyApiKey } from "./verify-api-key.ts";
import { verifyJws } from "./verify-jws.ts";
import { verifyJwt } from "./verify-jwt.ts";
import { verifyTicket } from "./verify-ticket.ts";

/** All definitions. */
export const policyDefinitions: readonly PolicyDefinition[] = [
  // Who may knock at all, and how often.
  accessControl,
  spikeArrest,
  // Who it is.
  basicAuthentication,
  hmac,
  verifyApiKey,
  oauthV2,
  introspectToken,
  getOAuthV2Info,
  setOAuthV2Info,
  deleteOAuthV2Info,
  revokeOAuthV2,
  verifyJwt,
  decodeJwt,
  generateJwt,
  verifyJws,
  decodeJws,
  generateJws,
  revokeBySecurityEvent,
  revokeJwt,
  generateTicket,
  verifyTicket,
  renewSession,
  // What becomes of the message.
  assignMessage,
  raiseFault,
  // Composition, and what is told of it.
  flowCallout,
  dataCapture,
  messageLogging,
];

/** The definition of a policy kind as Apigee names it, null when there is none. */
export function policyByKind(kind: string): PolicyDefinition | null {
  return policyDefinitions.find((definition) => definition.kind === kind) ?? null;
}
