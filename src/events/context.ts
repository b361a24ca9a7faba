import { AsyncLocalStorage } from 'node:async_hooks';

/** Fields that follow the program through `await`, timers and callbacks. */
export interface LogContext {
  readonly correlation_id?: string;
  /** W3C trace context of the caller, passed on to Python. */
  readonly traceparent?: string;
  readonly [field: string]: unknown;
}

const storage = new AsyncLocalStorage<LogContext>();

/**
 * Runs `fn` with more fields in the context: requests made inside inherit `correlation_id` and `traceparent`, events get the
 * correlation id, log lines get all fields. Inner fields win over outer ones.
 */
export const withContext = <T>(fields: LogContext, fn: () => T): T =>
  storage.run({ ...storage.getStore(), ...fields }, fn);

/**
 * Runs `fn` with no fields at all: what is long-lived must not carry those of whoever happened to start it. Where there are none anyway the storage is left alone, since its
 * first use makes Node 20 follow every promise from then on.
 */
export const withoutContext = <T>(fn: () => T): T =>
  storage.getStore() === undefined ? fn() : storage.run({}, fn);

/** The fields in force, or undefined outside {@link withContext}. Costs next to nothing while nobody uses it. */
export const currentContext = (): LogContext | undefined => storage.getStore();
