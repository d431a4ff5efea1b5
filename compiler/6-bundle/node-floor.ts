/**
 * The first statement of every artifact: it refuses a Node older than the floor with one clear line. It knows nothing
 * of what follows it.
 */

/** Oldest Node that an artifact runs on: the release that closed its last known holes in http. */
export const NODE_FLOOR = "26.5.1";

/** Exit code for an environment that cannot run the artifact (sysexits: EX_CONFIG). */
const EXIT_CONFIGURATION = 78;

/**
 * The newest syntax that artifacts use. Node parses a whole file before its first statement runs, so an artifact that
 * older Nodes cannot parse could not tell them why it refuses them. Nothing that decides speed is lowered at this
 * level.
 */
export const SYNTAX_TARGET = "node18";

/**
 * Source text of the check, in the JavaScript of the oldest Nodes; it starts with the artifact's own `"use strict"`.
 */
export function nodeFloorCheck(): string {
  const [major, minor, patch] = NODE_FLOOR.split(".");
  return [
    '"use strict";',
    '(function(v){var f=v.split(".");',
    `if((f[0]-${major}||f[1]-${minor}||parseInt(f[2],10)-${patch})<0){`,
    `console.error("gateway: needs Node.js ${NODE_FLOOR} or later, this is "+v);`,
    `process.exit(${EXIT_CONFIGURATION})}`,
    "})(process.versions.node);",
  ].join("");
}
