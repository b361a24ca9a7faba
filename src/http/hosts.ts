import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

const isLoopbackName = (name: string) => name === 'localhost' || name.endsWith('.localhost');

/**
 * Whether an address to bind is reachable from this machine alone. Names other than `localhost` and its children (RFC 6761) count as
 * reachable from elsewhere, whatever they resolve to now.
 */
export const isLoopback = (host: string): boolean => {
  const family = isIP(host);
  if (family === 0) return isLoopbackName(host.toLowerCase());
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
};

const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/?#@,]+))(?::\d{1,5})?$/;

/** `Name.Example.:80` → `name.example`, `[::1]:80` → `::1`; undefined for what is no host. */
const nameOf = (host: string): string | undefined => {
  const [, v6, name] = HOST.exec(host) ?? [];
  return v6 ?? name?.toLowerCase().replace(/\.$/, '');
};

/**
 * Makes the check that keeps DNS rebinding out: a page whose name was made to resolve to this machine still sends its own name as
 * `Host`. Accepted are loopback names, IP literals and the names given, each with any port or exactly the port it names.
 */
export const hostCheck = (names: readonly string[]): ((request: Request) => boolean) => {
  const allowed = new Set(names.map((name) => name.toLowerCase()));
  const accepts = (host: string): boolean => {
    const name = nameOf(host);
    if (name === undefined) return false;
    return isIP(name) !== 0 || isLoopbackName(name) || allowed.has(name) || allowed.has(host.toLowerCase());
  };
  return (request) => {
    const header = request.headers.get('host');
    if (header !== null && !accepts(header)) return false;
    // The target may name another host (absolute form, RFC 9112 section 3.2.2), or the request may have come without a header.
    return (
      (header !== null && request.url.startsWith(`http://${header}/`)) || accepts(new URL(request.url).host)
    );
  };
};
