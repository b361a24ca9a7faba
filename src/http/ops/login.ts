import type { Context } from 'hono';
import type { Access } from '../access.ts';
import { Attempts } from '../attempts.ts';
import { Refusal } from '../problem.ts';
import type { ReaderSessions } from '../reader-sessions.ts';
import { sendJson } from '../respond.ts';
import { malformed, readMembers } from './body.ts';
import { refuseCrossSite } from './cross-site.ts';
import type { Entrance, Read } from './endpoint.ts';
import { parametersOf } from './query.ts';

const MEMBERS = ['token'];

/**
 * Whether the browser speaks https to us or to what stands before us. Its `Origin` knows best; what a proxy says can be made up, but
 * only to the maker's own loss: a Secure cookie is not sent over http.
 */
const isSecure = ({ url, headers }: Request): boolean => {
  const origin = headers.get('origin');
  if (origin !== null) return origin.startsWith('https:');
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  return forwarded === 'https' || (forwarded === undefined && url.startsWith('https:'));
};

/** A proxy may give us another Host than the browser's, so that the origin looks foreign; the browser's own word then counts. */
const refuseOtherSites = (request: Request): void => {
  if (request.headers.get('sec-fetch-site')?.toLowerCase() !== 'same-origin') refuseCrossSite(request);
};

const tokenOf = async (request: Request): Promise<string> => {
  const { token } = await readMembers(request, MEMBERS);
  if (typeof token === 'string' && token !== '') return token;
  throw malformed(token === undefined ? 'has no member token' : 'has a token that is no text', MEMBERS);
};

const tooMany = (waitMs: number): Refusal => {
  const seconds = Math.ceil(waitMs / 1000);
  return new Refusal(
    'too_many_attempts',
    `Too many wrong tokens have come to this server, from here or from elsewhere. Try again in ${seconds} s; programs send the token as 'Authorization: Bearer …'.`,
    { headers: { 'retry-after': String(seconds) }, members: { retryable: true } },
  );
};

const wrongToken = ({ section }: Access): Refusal =>
  new Refusal('unauthorized', `That is not the token. Give the value of ${section}.token.`);

const noContent = (c: Context, cookie: string): Response =>
  c.body(null, 204, { 'cache-control': 'no-store', 'set-cookie': cookie });

/** `GET /api/login`: whether the page is to ask for the token. */
export const loginRead = (access: Access): Read => ({
  path: '/api/login',
  shell: true,
  answer: (c) => {
    parametersOf(c, []);
    const { local, authenticated, reader } = access.identify(c.req.raw.headers);
    const free = local || access.open;
    const isForm = !free && access.sessions !== undefined;
    return sendJson(c, 200, {
      login: isForm ? 'form' : 'none',
      authenticated: free || authenticated || reader !== undefined,
    });
  },
});

const login = (access: Access, sessions: ReaderSessions): Entrance['answer'] => {
  const attempts = new Attempts();
  return async (c) => {
    const request = c.req.raw;
    refuseOtherSites(request);
    parametersOf(c, []);
    const early = attempts.waitMs();
    if (early > 0) throw tooMany(early);
    const token = await tokenOf(request);
    // Again: others may have tried while the body came.
    const late = attempts.waitMs();
    if (late > 0) throw tooMany(late);
    if (!access.isToken(token)) {
      attempts.failed();
      throw wrongToken(access);
    }
    // Whoever logs in anew leaves the session before.
    sessions.close(request.headers, false);
    return noContent(c, sessions.open(isSecure(request)));
  };
};

/** `POST /api/login` and `POST /api/logout`. */
export const loginEntrances = (access: Access): readonly Entrance[] => {
  const { sessions } = access;
  if (sessions === undefined) return [];
  return [
    { path: '/api/login', answer: login(access, sessions) },
    {
      path: '/api/logout',
      answer: (c) => {
        const request = c.req.raw;
        refuseOtherSites(request);
        parametersOf(c, []);
        return noContent(c, sessions.close(request.headers, isSecure(request)));
      },
    },
  ];
};
