/** The ways in which load balancers take turns (apigee-core section 2.7). They choose; rotation.ts remembers. */
import type { Algorithm, RotationServer } from "./rotation.ts";

/** In the order of the list (Apigee: RoundRobin). */
export function roundRobin(): Algorithm {
  let next = 0;
  return (servers, isCandidate) => {
    for (let turn = 0; turn < servers.length; turn++) {
      const at = (next + turn) % servers.length;
      const server = servers[at];
      if (server === undefined || !isCandidate(server)) continue;
      next = (at + 1) % servers.length;
      return server;
    }
    return null;
  };
}

/**
 * In proportion to the weights, spread evenly: with 3 and 1 the turns are a a b a (Apigee: Weighted). Each turn every
 * candidate earns its weight, and the one that takes it pays for all.
 */
export function weighted(): Algorithm {
  return (servers, isCandidate) => {
    let chosen: RotationServer | null = null;
    let earned = 0;
    for (const server of servers) {
      if (!isCandidate(server)) continue;
      const { state } = server;
      state.credit += state.weight;
      earned += state.weight;
      if (chosen === null || state.credit > chosen.state.credit) chosen = server;
    }
    if (chosen !== null) chosen.state.credit -= earned;
    return chosen;
  };
}

/** The server with the fewest open requests and sessions; equals take turns (Apigee: LeastConnections). */
export function leastConnections(): Algorithm {
  let next = 0;
  return (servers, isCandidate) => {
    let chosen: RotationServer | null = null;
    let chosenAt = 0;
    for (let turn = 0; turn < servers.length; turn++) {
      const at = (next + turn) % servers.length;
      const server = servers[at];
      if (server === undefined || !isCandidate(server)) continue;
      if (chosen !== null && server.state.open >= chosen.state.open) continue;
      chosen = server;
      chosenAt = at;
    }
    if (chosen !== null) next = (chosenAt + 1) % servers.length;
    return chosen;
  };
}
