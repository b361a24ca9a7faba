import { signal } from '@preact/signals';
import { resetZoom } from '../../charts/zoom.ts';
import { keep, kept } from '../kept.ts';
import { go, shortcuts } from '../route.ts';

/** Single letters may get in the way of other tools, so they can be switched off. */
export const keysOn = signal(kept('keys') !== 'off');
export const switchKeys = (on: boolean): void => {
  keysOn.value = on;
  keep('keys', on ? null : 'off');
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('input, textarea, select, [contenteditable], dialog') !== null;

/** The second letter counts for so long, ms. */
const PAIR_MS = 1500;

export const startKeys = (onHelp: () => void): (() => void) => {
  let leaderAt = 0;
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === 'Escape') return resetZoom();
    if (!keysOn.value) return;
    const target = Date.now() - leaderAt < PAIR_MS ? shortcuts[event.key] : undefined;
    leaderAt = event.key === 'g' ? Date.now() : 0;
    if (target) go(target.to);
    else if (event.key === '?') onHelp();
    else if (event.key === '/') {
      const field = document.querySelector<HTMLInputElement>('[data-filter]');
      field?.focus();
      if (!field) return;
    } else return;
    event.preventDefault();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
};
