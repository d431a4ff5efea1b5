/**
 * A value, or the promise of one. Helpers that usually know the answer at once (a cache hit, a memory store) return the
 * value itself, so that a chain of them costs no promise and no turn of the event loop.
 */
export type Maybe<T> = T | Promise<T>;

/** True when the value still has to be waited for. */
export function isPending<T>(value: Maybe<T>): value is Promise<T> {
  return value instanceof Promise;
}

/**
 * Hands a value to `next`, at once when it is there, else when it arrives. Rejections pass through untouched.
 * This is the cut of a compiled chain: everything after a step that may wait stands in `next`.
 * It is not called `then`: a module that exports that name is a thenable, and `await import()` of it would call it.
 */
export function andThen<T, R>(value: Maybe<T>, next: (value: T) => Maybe<R>): Maybe<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
