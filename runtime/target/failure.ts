/** Which fault a connection that never stood becomes (apigee-core section 3.9). */

/** TLS failures have a fault of their own; everything else before the connection stands is connectivity. */
export function connectFault(code: string) {
  const isTls = /^(?:ERR_TLS|ERR_SSL|CERT_)/.test(code) || tlsCodes.has(code);
  return isTls ? "messaging.adaptors.http.flow.SslHandshakeFailed" : "messaging.adaptors.http.flow.ServiceUnavailable";
}

const tlsCodes: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);
