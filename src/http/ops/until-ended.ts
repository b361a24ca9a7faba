/** A stream that ends when a login does: a connection must not outlive what it was let in by. */
export const untilEnded = (
  body: ReadableStream<Uint8Array>,
  ended: AbortSignal,
): ReadableStream<Uint8Array> => {
  const reader = body.getReader();
  let stop = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        stop = () => {
          void reader.cancel().catch(() => {});
          controller.close();
        };
        if (ended.aborted) stop();
        else ended.addEventListener('abort', stop, { once: true });
      },
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (ended.aborted) return;
        if (!done) return controller.enqueue(value);
        ended.removeEventListener('abort', stop);
        controller.close();
      },
      cancel: (reason) => {
        ended.removeEventListener('abort', stop);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
};
