import { signal } from '@preact/signals';

/** What a screen reader is told: changes that matter, never every number. */
export const announcement = signal('');

export const announce = (text: string): void => {
  announcement.value = text;
};
