import { createHash, timingSafeEqual } from 'node:crypto';
import { SnakepitError } from '../errors/index.ts';
import { hostCheck, isLoopback } from './hosts.ts';
import { Refusal } from './problem.ts';
import type { ReaderSession, ReaderSessions } from './reader-sessions.ts';

/** The part of the `ops` and `gateway` options that decides who may do what. */
export interface AccessOptions {
  readonly host: string;
  readonly token?: string | undefined;
  readonly insecure: boolean;
  readonly allowedHosts: readonly string[];
}

/** What is known of a caller. */
export interface Caller {
  /** Came over a loopback bind and not through a proxy. */
  readonly local: boolean;
  /** Carries the token. */
  readonly authenticated: boolean;
  /** A browser that has logged in: it may read, and nothing else. */
  readonly reader: ReaderSession | undefined;
}

/** Who may do what at one server or handler. */
export interface Access {
  /** Prefix of the option names in messages. */
  readonly section: 'ops' | 'gateway';
  readonly hasToken: boolean;
  /** Whether callers from afar need no token. */
  readonly open: boolean;
  identify(headers: Headers): Caller;
  /** Whether a text is the token. */
  isToken(text: string): boolean;
  /** Where browsers log in; undefined where nobody can. */
  readonly sessions: ReaderSessions | undefined;
  /** False for a `Host` that is neither local nor allowed: a sign of DNS rebinding. */
  acceptsHost(request: Request): boolean;
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

/** Compares digests, so that neither the place of the first difference nor the length of the token shows in the time taken. */
const tokenCheck = (token: string | undefined): ((given: Buffer) => boolean) => {
  if (token === undefined) return () => false;
  const expected = digest(Buffer.from(token, 'utf8'));
  return (given) => timingSafeEqual(digest(given), expected);
};

const bearerOf = (headers: Headers): string | undefined =>
  /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1];

/** A proxy on the same machine makes callers from anywhere look local; what it adds gives it away. */
const isForwarded = (headers: Headers) => headers.has('forwarded') || headers.has('x-forwarded-for');

interface Identifying {
  readonly loopback: boolean;
  readonly token: string | undefined;
  readonly sessions: ReaderSessions | undefined;
}

const identification = ({ loopback, token, sessions }: Identifying) => {
  const isToken = tokenCheck(token);
  return {
    hasToken: token !== undefined,
    // Without a token nobody has logged in.
    sessions: token === undefined ? undefined : sessions,
    isToken: (text: string) => isToken(Buffer.from(text, 'utf8')),
    identify: (headers: Headers): Caller => {
      const bearer = bearerOf(headers);
      return {
        local: loopback && !isForwarded(headers),
        // Headers arrive as one character a byte.
        authenticated: bearer !== undefined && isToken(Buffer.from(bearer, 'latin1')),
        reader: sessions?.of(headers),
      };
    },
  };
};

/**
 * Access at a listener of ours. Loopback is decided by the address bound, never by the peer's.
 *
 * @throws SnakepitError `invalid_configuration` when the address is reachable from elsewhere and neither `token` nor `insecure` is set
 */
export const listenerAccess = (
  section: 'ops' | 'gateway',
  options: AccessOptions,
  sessions?: ReaderSessions,
): Access => {
  const { host, token, insecure, allowedHosts } = options;
  const loopback = isLoopback(host);
  if (!loopback && token === undefined && !insecure) {
    throw new SnakepitError(
      'invalid_configuration',
      `${section}.host: got '${host}', which other machines can reach, but ${section}.token is not set. ` +
        `Set ${section}.token (at least 16 characters; or SNAKEPIT_${section.toUpperCase()}_TOKEN), bind 127.0.0.1, ` +
        `or set ${section}.insecure to true where something in front authenticates.`,
    );
  }
  return {
    section,
    open: insecure && token === undefined,
    ...identification({ loopback, token, sessions }),
    // The name that was bound is the operator's own, so it cannot be an attacker's.
    acceptsHost: hostCheck([host, ...allowedHosts]),
  };
};

/** Options of {@link mountedAccess}. */
export interface MountedAccessOptions {
  readonly token?: string | undefined;
  readonly allowedHosts?: readonly string[];
  /** `open`: the application it is mounted in decides who comes here. */
  readonly access?: 'open' | undefined;
  readonly sessions?: ReaderSessions | undefined;
}

/**
 * Access at a handler mounted in somebody else's server: no address is known, so nobody counts as local, and since that server's
 * names are not known either, `Host` is checked only where `allowedHosts` says what to expect.
 */
export const mountedAccess = ({
  token,
  allowedHosts = [],
  access,
  sessions,
}: MountedAccessOptions): Access => ({
  section: 'ops',
  open: access === 'open',
  ...identification({ loopback: false, token, sessions }),
  acceptsHost: allowedHosts.length === 0 ? () => true : hostCheck(allowedHosts),
});

/** @throws Refusal `forbidden` when the `Host` is not one of ours */
export const requireHost = (access: Access, request: Request): void => {
  if (access.acceptsHost(request)) return;
  const host = request.headers.get('host') ?? new URL(request.url).host;
  throw new Refusal(
    'forbidden',
    `The Host header is '${host.slice(0, 200)}', which is not a name of this server. Use 127.0.0.1 or localhost, ` +
      `or add the name to ${access.section}.allowedHosts.`,
  );
};

/** The refusal of a caller who is not known: 401 where a token would help, 403 where none is configured. */
export const refuseCaller = ({ section, hasToken }: Access, headers: Headers): Refusal => {
  if (!hasToken) {
    return new Refusal(
      'forbidden',
      `This is served to local callers only, and the request counts as remote. Call it without a proxy, or set ${section}.token.`,
    );
  }
  const given = headers.has('authorization');
  return new Refusal(
    'unauthorized',
    given
      ? `The Authorization header does not hold the token. Send 'Authorization: Bearer …' with the value of ${section}.token.`
      : `The token is missing. Send 'Authorization: Bearer …' with the value of ${section}.token.`,
    { headers: { 'www-authenticate': `Bearer realm="snakepit"${given ? ', error="invalid_token"' : ''}` } },
  );
};

/**
 * Changes need the token whoever asks: on loopback too, and where reading is open to all.
 *
 * @throws Refusal `unauthorized`, or `forbidden` where no token is configured
 */
export const requireToken = (access: Access, headers: Headers): void => {
  if (!access.hasToken) {
    const { section } = access;
    throw new Refusal(
      'forbidden',
      `Changes need the bearer token, and none is configured. Set ${section}.token (at least 16 characters; or ` +
        `SNAKEPIT_${section.toUpperCase()}_TOKEN); a mounted handler takes it as its option token.`,
    );
  }
  if (!access.identify(headers).authenticated) throw refuseCaller(access, headers);
};
