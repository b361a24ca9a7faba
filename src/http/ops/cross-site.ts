import { isOwnOrigin } from '../own-origin.ts';
import { Refusal } from '../problem.ts';

/**
 * Keeps pages of other sites from changing anything with a visitor's reach. Their own server's pages may: they still need the token.
 *
 * @throws Refusal `forbidden`
 */
export const refuseCrossSite = ({ headers, url }: Request): void => {
  const origin = headers.get('origin');
  if (origin === null) {
    // Browsers that send no Origin tell in this way.
    if (headers.get('sec-fetch-site')?.toLowerCase() !== 'cross-site') return;
    throw new Refusal(
      'forbidden',
      'A page of another site sent this request (Sec-Fetch-Site: cross-site). Call from a program, or from a page of this server.',
    );
  }
  if (isOwnOrigin(origin, headers.get('host') ?? new URL(url).host)) return;
  throw new Refusal(
    'forbidden',
    `A page of the origin '${origin.slice(0, 200)}' sent this request. Call from a program, or from a page of this server.`,
  );
};
