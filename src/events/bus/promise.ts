/** Whether a consumer returned something to be waited for. Looking at a hostile object may throw. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
