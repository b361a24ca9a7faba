import { computed, effect, signal } from '@preact/signals';
import { keep, kept } from './kept.ts';

export type Choice = 'auto' | 'light' | 'dark';

const initial = kept('theme');
export const choice = signal<Choice>(initial === 'light' || initial === 'dark' ? initial : 'auto');

const query = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(query.matches);
query.addEventListener('change', (event) => {
  systemDark.value = event.matches;
});

export const isDark = computed(() => (choice.value === 'auto' ? systemDark.value : choice.value === 'dark'));

/** Puts the choice where the style sheet sees it. */
export const startTheme = (): void => {
  effect(() => {
    if (choice.value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice.value;
    keep('theme', choice.value === 'auto' ? null : choice.value);
  });
};

const following: Readonly<Record<Choice, Choice>> = { auto: 'light', light: 'dark', dark: 'auto' };
export const nextChoice = (): void => {
  choice.value = following[choice.value];
};
