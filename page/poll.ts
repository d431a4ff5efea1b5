/** Asks again and again while somebody looks: not in a hidden tab, and not while the line is down. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { line, Refusal } from "./connection.ts";

export interface Polled<T> {
  /** The last answer; null before the first. */
  readonly value: T | null;
  /** Why there is none; a line that is down says so by itself. */
  readonly problem: Refusal | null;
  /** Asks now. */
  readonly refresh: () => void;
}

/** Asks at once, when `about` changes, and every `everyMs`; Infinity: only once. What is not there is not asked for again. */
export function usePoll<T>(ask: () => Promise<T>, everyMs: number, about: string): Polled<T> {
  const [answer, setAnswer] = useState<{ about: string; value: T | null; problem: Refusal | null } | null>(null);
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    let isOver = false;
    let isAsking = false;
    let isMissing = false;
    let timer = 0;
    const round = async (): Promise<void> => {
      isAsking = true;
      if (!document.hidden && line.state === "ready") {
        try {
          const value = await latest.current();
          isMissing = false;
          if (!isOver) setAnswer({ about, value, problem: null });
        } catch (problem) {
          if (!(problem instanceof Refusal)) throw problem;
          isMissing = problem.status === 404;
          if (!isOver && problem.status > 0 && problem.status !== 401) setAnswer({ about, value: null, problem });
        }
      }
      isAsking = false;
      if (!isOver && !isMissing && everyMs !== Infinity) timer = window.setTimeout(() => void round(), everyMs);
    };
    const again = (): void => {
      if (isAsking || line.state !== "ready" || document.hidden) return;
      clearTimeout(timer);
      void round();
    };
    void round();
    const unwatch = line.watch(again);
    document.addEventListener("visibilitychange", again);
    return () => {
      isOver = true;
      clearTimeout(timer);
      unwatch();
      document.removeEventListener("visibilitychange", again);
    };
  }, [about, everyMs, turn]);
  const refresh = useCallback(() => setTurn((before) => before + 1), []);
  const isCurrent = answer !== null && answer.about === about;
  return { value: isCurrent ? answer.value : null, problem: isCurrent ? answer.problem : null, refresh };
}
