import { monotonic } from '../clock.ts';

type Emit = (name: string, measurements: Record<string, unknown>, metadata: Record<string, unknown>) => void;

/**
 * Runs `fn` between two events; see `EventBus.span`. The events are emitted outside of the `try` around `fn`, so that nothing an observer does can be taken for its failure.
 */
export const span = <T>(emit: Emit, name: string, metadata: Record<string, unknown>, fn: () => T): T => {
  emit(`${name}.start`, {}, metadata);
  const began = monotonic();
  const end = (outcome: 'completed' | 'failed', more: Record<string, unknown>) =>
    emit(`${name}.${outcome}`, { duration_ms: monotonic() - began }, { ...metadata, ...more });
  let result: T;
  try {
    result = fn();
  } catch (error) {
    end('failed', { error: classOf(error) });
    throw error;
  }
  if (!(result instanceof Promise)) {
    end('completed', {});
    return result;
  }
  return result.then(
    (value) => {
      end('completed', {});
      return value;
    },
    (error) => {
      end('failed', { error: classOf(error) });
      throw error;
    },
  ) as T;
};

/** The class alone: a message may hold anything. */
const classOf = (error: unknown): string => {
  try {
    return error instanceof Error ? error.name : typeof error;
  } catch {
    return 'unknown';
  }
};
