import { effect } from '@preact/signals';
import { connection, now } from '../../data/store.ts';
import { announce } from '../announce.ts';
import { plural } from '../format.ts';
import { route } from '../route.ts';

const names: Readonly<Record<string, string>> = { slow: 'Slow requests' };
const viewName = (view: string): string => names[view] ?? view.charAt(0).toUpperCase() + view.slice(1);

/** What a tab among many says: how it stands, then what it shows. */
const statusWords = (): string => {
  const state = connection.value.kind;
  if (state === 'stale' || state === 'closed') return '? Stale';
  const frame = now.value;
  if (!frame || frame.status === 'ok') return '';
  const errors = frame.reasons.filter(({ status }) => status === 'error').length;
  const warnings = frame.reasons.filter(({ status }) => status === 'warning').length;
  return errors > 0 ? `● ${plural(errors, 'error')}` : `▲ ${plural(warnings, 'warning')}`;
};

const spoken: Readonly<Record<string, string>> = {
  live: 'The figures are live.',
  stale: 'The connection is lost, the figures are stale.',
  closed: 'This instance has ended.',
};

/** Keeps the title of the tab, and says changes of status to those who listen. */
export const startTelling = (): void => {
  effect(() => {
    document.title = [statusWords(), viewName(route.value.view), 'Snakepit'].filter(Boolean).join(' · ');
  });
  let status: string | null = null;
  effect(() => {
    const frame = now.value;
    if (!frame || frame.status === status) return;
    if (status !== null) announce(`Status is now ${frame.status}. ${frame.reasons[0]?.message ?? ''}`);
    status = frame.status;
  });
  let kind: string = connection.peek().kind;
  effect(() => {
    const next = connection.value.kind;
    if (next === kind) return;
    const words = spoken[next];
    // The first connection is no news.
    if (words && !(kind === 'connecting' && next === 'live')) announce(words);
    kind = next;
  });
  effect(() => {
    document.documentElement.dataset.connection = connection.value.kind;
  });
};
