/** Codes of the family 4xxx, security: secrets in clear, doors left open. */
import { error, warning } from "./entry.ts";

export const securityCatalogue = {
  AGW4001: error<{ key: string; what: string }>({
    title: "secret in clear",
    concealed: true,
    explanation:
      "A secret is never written into a bundle: the bundle is stored, reviewed, copied and compiled, and everyone who sees it would " +
      "have the secret. Write where the gateway finds it when it starts: an environment variable or a file. The compiler never reads " +
      "the value. For keys of apps a digest will do as well; `apigw-compile digest` makes one.",
    example: { bad: "secretKey: { value: s3cr3t }", good: "secretKey: { value: { env: JWT_SECRET } }" },
    message: ({ key, what }) => `${key} holds ${what} in clear`,
  }),
  AGW4002: warning<{ key: string; what: string }>({
    title: "value that looks like a secret",
    concealed: true,
    explanation:
      "The text has the form of a credential. If it is one, take it out, have it replaced at its issuer, and write where the gateway " +
      "finds the new one when it starts. If it is a harmless sample, waive the warning with the reason.",
    example: {
      bad: "value: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
      good: "ref: request.header.authorization",
    },
    message: ({ key, what }) => `${key} looks like ${what}`,
  }),
  AGW4003: warning<{ range: string }>({
    title: "everybody is a trusted proxy",
    explanation:
      "A trusted proxy says who the client is, and is believed. When every address is trusted, every client can say that it is " +
      "somebody else: rules about addresses, limits for each address and log lines then hold what the client wrote. List the " +
      "addresses of the proxies, or the network that only they are in.",
    example: {
      bad: "forwarded: { trustedProxies: [0.0.0.0/0] }",
      good: "forwarded: { trustedProxies: [10.20.0.0/24] }",
    },
    message: ({ range }) => `${range} trusts every client to say who it is`,
  }),
} as const;
