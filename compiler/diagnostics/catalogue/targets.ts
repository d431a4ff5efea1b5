/** Codes of the family 3xxx that are about target endpoints: what their settings cannot mean, and what they leave open. */
import { error, warning, type None } from "./entry.ts";

export const targetCatalogue = {
  AGW3040: error<{ readonly problem: string }>({
    title: "load balancer settings do not go together",
    explanation:
      "Weights belong to algorithm Weighted, which needs one for every server. There is one fallback at most, and servers go out of rotation, for the fallback or a health monitor to act on, only with maxFailures.",
    example: {
      bad: "loadBalancer: { algorithm: Weighted, servers: [chat-1, { name: chat-2, weight: 3 }] }",
      good: "loadBalancer: { algorithm: Weighted, servers: [{ name: chat-1, weight: 1 }, { name: chat-2, weight: 3 }] }",
    },
    message: (p) => p.problem,
  }),
  AGW3041: warning<None>({
    title: "servers never go out of rotation",
    explanation:
      "Without maxFailures a server that is down keeps its turns: requests meet it again and again before they are sent to another one. Waive it where that is wanted.",
    example: {
      bad: "loadBalancer: { servers: [chat-1, chat-2] }",
      good: "loadBalancer: { servers: [chat-1, chat-2], maxFailures: 5 }",
    },
    message: () => "several servers and no maxFailures: a server that fails stays in rotation",
  }),
} as const;
