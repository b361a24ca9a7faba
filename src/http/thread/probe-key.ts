import type { IncomingMessage } from 'node:http';
import type { Asked, Site } from './messages.ts';

/** Queries such as `?verbose&exclude=pool:default`. */
const QUERY = /^[\w.:%&=+-]{0,200}$/;
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const MAX_ACCEPT = 200;

/** Whether a host is written as a URL shows it, so that nothing about it needs to be decided. */
const isPlainHost = (host: string): boolean => {
  if (!HOST.test(host)) return false;
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return false;
  const plain = new URL(url).host;
  return plain === host || `${plain}:80` === host;
};

/**
 * Tells which probes may be answered alike: those that agree in everything the answer depends on. Undefined for what is no plain probe;
 * a caller with a token or a cookie is not known here.
 *
 * @param paths - the probe paths, with the prefix
 */
export const probeOf = (
  { method, url = '', headers }: IncomingMessage,
  paths: ReadonlySet<string>,
): { readonly key: string; asked(site: Site): Asked | undefined } | undefined => {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const query = url.indexOf('?');
  if (!paths.has(query === -1 ? url : url.slice(0, query))) return undefined;
  const { host, accept, authorization, cookie, forwarded, 'x-forwarded-for': forwardedFor } = headers;
  if (host === undefined || authorization !== undefined || cookie !== undefined) return undefined;
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return undefined;
  const isForwarded = forwarded !== undefined || forwardedFor !== undefined;
  return {
    key: `${url} ${host} ${isForwarded} ${accept}`,
    // Looked into only where nothing is kept yet.
    asked: (site) => {
      if (query !== -1 && !QUERY.test(url.slice(query + 1))) return undefined;
      if (!isPlainHost(host) || (accept?.length ?? 0) > MAX_ACCEPT) return undefined;
      return { site, path: url, host, accept, forwarded: isForwarded };
    },
  };
};
