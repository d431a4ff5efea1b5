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
} as const;
