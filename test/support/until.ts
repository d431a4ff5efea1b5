/** Waiting in tests: for a condition, in real time, with an end. Tests under a fake clock use it too: sockets are real. */

/** Time after which a wait has failed. */
export const PATIENCE_MS = 4_000;
const LOOK_MS = 2;

/** Looks again and again until it holds; fails with what `describe` says. */
export async function until(holds: () => boolean, describe: () => string): Promise<void> {
  const startMs = performance.now();
  while (!holds()) {
    if (performance.now() - startMs > PATIENCE_MS) throw new Error(`waited in vain: ${describe()}`);
    await new Promise((resolve) => void setTimeout(resolve, LOOK_MS));
  }
}
