import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Context } from 'hono';
import type { MetricsReader } from '../ports.ts';
import { acceptsGzip, send } from '../respond.ts';
import type { Read } from './endpoint.ts';

/** Smaller bodies fit a packet or two as they are. */
const GZIP_FROM_BYTES = 1024;
/** The answer depends on these, so caches must too. */
const vary = 'accept, accept-encoding';

/** On libuv's threads: compressing megabytes here would hold up requests and probes. */
const gzipAsync = promisify(gzip);

const sendMetrics = async (c: Context, metrics: MetricsReader): Promise<Response> => {
  const { contentType, body } = await metrics.render(c.req.header('accept'));
  const bytes = typeof body === 'string' ? Buffer.from(body) : new Uint8Array(body);
  if (bytes.byteLength <= GZIP_FROM_BYTES || !acceptsGzip(c))
    return send(c, 200, contentType, bytes, { vary });
  return send(c, 200, contentType, await gzipAsync(bytes), { vary, 'content-encoding': 'gzip' });
};

/** The endpoint Prometheus scrapes. */
export const metricsRead = (metrics: MetricsReader): Read => ({
  path: '/metrics',
  link: 'metrics',
  answer: (c) => sendMetrics(c, metrics),
});
