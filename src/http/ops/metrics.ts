import { pipeline, Readable } from 'node:stream';
import { createGzip, constants as zlib } from 'node:zlib';
import type { Context } from 'hono';
import type { Exposition, MetricsReader } from '../ports.ts';
import { acceptsGzip, send, sendStream } from '../respond.ts';
import type { Read } from './endpoint.ts';

/** Smaller bodies fit a packet or two as they are. */
const GZIP_FROM_BYTES = 1024;
/** The answer depends on these, so caches must too. */
const vary = 'accept, accept-encoding';

const slicesOf = ({ slices, body }: Exposition): readonly Uint8Array[] =>
  slices ?? [typeof body === 'string' ? Buffer.from(body) : body];

/** Hands out a slice whenever the socket has taken the one before. A client that goes away takes the stream with it, and all slices. */
const streamOf = (slices: readonly Uint8Array[]): ReadableStream<Uint8Array> => {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const slice = slices[at++];
        if (slice === undefined) controller.close();
        else controller.enqueue(slice);
      },
    },
    { highWaterMark: 0 },
  );
};

/** Compresses on libuv's threads, slice by slice: megabytes at once would hold up requests and probes. */
const compressed = (slices: readonly Uint8Array[]): ReadableStream<Uint8Array> => {
  const gzip = createGzip({ level: zlib.Z_BEST_SPEED });
  // A client that goes away ends it with an error, of which nobody needs to hear.
  pipeline(Readable.from(slices), gzip, () => {});
  return Readable.toWeb(gzip) as ReadableStream<Uint8Array>;
};

const sendMetrics = async (c: Context, metrics: MetricsReader): Promise<Response> => {
  const { signal } = c.req.raw;
  const exposition = await metrics.render(c.req.header('accept'), signal).catch((error: unknown) => {
    // Nobody is there to answer, and nothing went wrong.
    if (signal.aborted) return undefined;
    throw error;
  });
  if (exposition === undefined) return c.body(null, 204);
  const { contentType } = exposition;
  const slices = slicesOf(exposition);
  const length = slices.reduce((sum, slice) => sum + slice.byteLength, 0);
  if (length > GZIP_FROM_BYTES && acceptsGzip(c)) {
    const headers = { vary, 'content-encoding': 'gzip' };
    // Nothing is compressed for nobody to see.
    const body = c.req.method === 'HEAD' ? streamOf([]) : compressed(slices);
    return sendStream(c, contentType, body, headers);
  }
  if (slices.length === 1)
    return send(c, 200, contentType, Uint8Array.from(slices[0] as Uint8Array), { vary });
  return sendStream(c, contentType, streamOf(slices), { vary, 'content-length': String(length) });
};

/** The endpoint Prometheus scrapes. */
export const metricsRead = (metrics: MetricsReader): Read => ({
  path: '/metrics',
  link: 'metrics',
  answer: (c) => sendMetrics(c, metrics),
});
