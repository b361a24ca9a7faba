import type { Context } from 'hono';
import Negotiator from 'negotiator';
import { Refusal } from '../problem.ts';
import { send } from '../respond.ts';
import type { DashboardFile, DashboardFiles } from './dashboard-files.ts';
import type { Read } from './endpoint.ts';

/**
 * The page runs its own script and style, speaks to its own server, and does nothing else. Styles that a script sets through the DOM
 * are no inline styles to this policy.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const DENIED = [
  'camera',
  'microphone',
  'geolocation',
  'payment',
  'usb',
  'serial',
  'bluetooth',
  'display-capture',
];

const guards = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': DENIED.map((feature) => `${feature}=()`).join(', '),
  // For browsers that do not know frame-ancestors.
  'x-frame-options': 'DENY',
};

type Encoding = 'br' | 'gzip' | 'identity';

/** The smallest form the caller takes: all were made at build time, so none costs more than another. */
const encodingFor = (c: Context): Encoding => {
  const accepted = c.req.header('accept-encoding');
  if (accepted === undefined) return 'identity';
  const taken = new Negotiator({ headers: { 'accept-encoding': accepted } }).encodings(['br', 'gzip']);
  if (taken.includes('br')) return 'br';
  return taken.includes('gzip') ? 'gzip' : 'identity';
};

/** RFC 9110 section 13.1.2: compared without regard to weakness, which a proxy that compresses adds. */
const isKnown = (c: Context, etag: string): boolean => {
  const header = c.req.header('if-none-match');
  if (header === undefined) return false;
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
};

const sendFile = (c: Context, file: DashboardFile, caching: string): Response => {
  const encoding = encodingFor(c);
  const etag = `"${file.hash}${encoding === 'identity' ? '' : `-${encoding}`}"`;
  const headers = { ...guards, 'cache-control': caching, etag, vary: 'accept-encoding' };
  if (isKnown(c, etag)) return c.body(null, 304, headers);
  return send(c, 200, file.type, file[encoding], {
    ...headers,
    ...(encoding !== 'identity' && { 'content-encoding': encoding }),
  });
};

const noAsset = (name: string): Refusal =>
  new Refusal(
    'not_found',
    `The page has no file '${name.slice(0, 100)}'. Load the page anew: it is of another version.`,
  );

/** The live page: HTML that holds nothing of this instance, and its script and style. */
export const dashboardReads = (built: DashboardFiles): readonly Read[] => [
  {
    path: '/dashboard',
    link: 'dashboard',
    shell: true,
    answer: (c) => sendFile(c, built.files().html, 'no-cache'),
  },
  {
    // What the page refers to is beside it, not below.
    path: '/dashboard/',
    shell: true,
    answer: (c) => c.body(null, 307, { location: `../dashboard${new URL(c.req.url).search}` }),
  },
  {
    path: '/dashboard/assets/{file}',
    shell: true,
    answer: (c) => {
      const name = c.req.param('file') as string;
      const file = built.files().assets.get(name);
      if (file === undefined) throw noAsset(name);
      return sendFile(c, file, 'public, max-age=31536000, immutable');
    },
  },
];
