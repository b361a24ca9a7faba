import type { CallStream } from '../../core/port.ts';
import type { Problem } from '../problem.ts';
import { toResultJson } from './result-json.ts';
import { timingsJson } from './timings.ts';

/** A stream may last for hours; what its end lists may not grow as long. */
const MAX_LOSSY = 1000;

const encoder = new TextEncoder();
const frame = (event: string, data: unknown) =>
  encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
const comment = encoder.encode(':\n\n');

interface EventStreamOptions {
  /** Silence after which a comment tells proxies that the connection lives. */
  readonly commentEveryMs: number;
  problem(error: unknown): Problem;
  /** Gives the call up. */
  abort(): void;
}

/** Collects the places that JSON changed, as if the chunks were one array. */
class LossyPaths {
  readonly #paths: string[] = [];
  #omitted = 0;

  add(paths: readonly string[]): void {
    const room = MAX_LOSSY - this.#paths.length;
    this.#paths.push(...paths.slice(0, room));
    this.#omitted += Math.max(0, paths.length - room);
  }

  toJson() {
    return {
      ...(this.#paths.length > 0 && { lossy: this.#paths }),
      ...(this.#omitted > 0 && { lossy_omitted: this.#omitted }),
    };
  }
}

const SILENCE = Symbol('silence');

const within = async <T>(promise: Promise<T>, ms: number): Promise<T | typeof SILENCE> => {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<typeof SILENCE>((resolve) => {
    timer = setTimeout(resolve, ms, SILENCE);
    // The socket keeps the process alive while it should.
    timer.unref();
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * A call's chunks as server-sent events (WHATWG HTML, section 9.2): `chunk` each, then one `end` or one `error`.
 *
 * The next chunk is asked for only when the socket has taken the last (the high-water mark of 0 sees to that), so a slow reader slows
 * Python down instead of filling memory. A reader that goes away cancels the call.
 */
export const eventStream = (
  stream: CallStream<unknown>,
  { commentEveryMs, problem, abort }: EventStreamOptions,
): ReadableStream<Uint8Array> => {
  const lossy = new LossyPaths();
  let index = 0;
  let cancelled = false;
  let pending: Promise<IteratorResult<unknown>> | undefined;

  /** The next bytes, and whether they are the last. */
  const next = async (): Promise<{ bytes: Uint8Array; last: boolean }> => {
    pending ??= stream.next();
    const step = await within(pending, commentEveryMs);
    if (step === SILENCE) return { bytes: comment, last: false };
    pending = undefined;
    if (step.done) {
      const { requestId, correlationId, timings } = stream;
      const facts = {
        request_id: requestId,
        correlation_id: correlationId,
        timings: timings && timingsJson(timings),
      };
      return { bytes: frame('end', { ...facts, ...lossy.toJson() }), last: true };
    }
    const chunk = toResultJson(step.value, `$[${index++}]`);
    lossy.add(chunk.lossy);
    return { bytes: frame('chunk', chunk.value), last: false };
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { bytes, last } = await next();
          if (cancelled) return;
          controller.enqueue(bytes);
          if (last) controller.close();
        } catch (error) {
          if (cancelled) return;
          // Stops Python where the fault is on this side of the call.
          abort();
          controller.enqueue(frame('error', problem(error)));
          controller.close();
        }
      },
      async cancel() {
        cancelled = true;
        abort();
        // What it rejects with has no reader any more.
        await Promise.allSettled([pending, stream.return?.()]);
      },
    },
    { highWaterMark: 0 },
  );
};
