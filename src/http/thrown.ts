import type { MiddlewareHandler } from 'hono';

/** Makes an Error of whatever else was thrown: Hono hands only Errors to `onError`, and the rest would reach the server's owner. */
export const errorsOnly: MiddlewareHandler = async (_, next) => {
  try {
    await next();
  } catch (error) {
    throw error instanceof Error
      ? error
      : new Error(`A ${typeof error} was thrown, not an Error.`, { cause: error });
  }
};
