import { type ReadonlySignal, signal } from '@preact/signals';
import { type Changes, changed, href, parseRoute, type Route } from './address.ts';

export { href, type Route, type View } from './address.ts';

const current = signal<Route>(parseRoute(typeof location === 'undefined' ? '' : location.search));
export const route: ReadonlySignal<Route> = current;

/** The present view with some of its parameters changed; null takes one away. */
export const hrefWith = (changes: Changes): string => changed(current.value, changes);

/** Shows another address. A page opened as a file may not be allowed to say so in the address bar. */
export const go = (to: string, { replace = false }: { readonly replace?: boolean } = {}): void => {
  const before = current.value.view;
  current.value = parseRoute(to);
  try {
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
  } catch {
    // The view is shown all the same.
  }
  if (current.value.view !== before) scrollTo(0, 0);
};

const isPlainClick = (event: MouseEvent): boolean =>
  event.button === 0 &&
  !event.defaultPrevented &&
  !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);

/** Links are links: only a plain click on one of the page's own is taken over. */
const onClick = (event: MouseEvent): void => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const to = link?.getAttribute('href');
  if (!link || !to?.startsWith('?') || link.target || link.hasAttribute('download') || !isPlainClick(event))
    return;
  event.preventDefault();
  go(to);
};

export const startRouter = (): void => {
  document.addEventListener('click', onClick);
  addEventListener('popstate', () => {
    current.value = parseRoute(location.search);
  });
};

/** Letters after `g`. */
export const shortcuts: Readonly<Record<string, { readonly to: string; readonly label: string }>> = {
  o: { to: href('overview'), label: 'Overview' },
  p: { to: href('pools'), label: 'Pools' },
  l: { to: href('latency'), label: 'Latency' },
  e: { to: href('errors'), label: 'Errors' },
  s: { to: href('slow'), label: 'Slow requests' },
  v: { to: href('events'), label: 'Events' },
  h: { to: href('health'), label: 'Health' },
  t: { to: href('telemetry'), label: 'Telemetry' },
};
