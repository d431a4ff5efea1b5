/** The whole table of faults, for pages and commands. Artifacts link only the parts that they need. */
import { accessFaults } from "#runtime/fault/access.ts";
import { accessControlFaults } from "#runtime/fault/access-control.ts";
import { basicAuthenticationFaults } from "#runtime/fault/basic-authentication.ts";
import { dataCaptureFaults } from "#runtime/fault/data-capture.ts";
import { hmacFaults } from "#runtime/fault/hmac.ts";
import { jwsFaults } from "#runtime/fault/jws.ts";
import { jwtFaults } from "#runtime/fault/jwt.ts";
import { rateFaults } from "#runtime/fault/rate.ts";
import { renewalFaults } from "#runtime/fault/renewal.ts";
import type { FaultRow } from "#runtime/fault/row.ts";
import { securityEventFaults } from "#runtime/fault/security-event.ts";
import { ticketFaults } from "#runtime/fault/ticket.ts";
import { coreFaults, type FaultCode } from "#runtime/fault.ts";

/** Every fault, by error code. */
export const faults: { readonly [code in FaultCode]: FaultRow } = {
  ...coreFaults,
  ...accessFaults,
  ...ticketFaults,
  ...renewalFaults,
  ...jwtFaults,
  ...securityEventFaults,
  ...jwsFaults,
  ...basicAuthenticationFaults,
  ...hmacFaults,
  ...dataCaptureFaults,
  ...rateFaults,
  ...accessControlFaults,
};
