import { computed, signal } from '@preact/signals';
import { recorded } from './recorded.ts';
import type { NowFrame, WorkersFrame } from './types.ts';

/** How the page stands to its server. */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `since`: when the last word came, by this browser's clock. */
  | { readonly kind: 'stale'; readonly since: number }
  | { readonly kind: 'login' }
  /** The instance said that it ends. */
  | { readonly kind: 'closed'; readonly since: number }
  | { readonly kind: 'recorded'; readonly at: number };

export const connection = signal<Connection>(
  recorded ? { kind: 'recorded', at: recorded.at } : { kind: 'connecting' },
);
export const now = signal<NowFrame | null>(recorded?.now ?? null);
export const workers = signal<WorkersFrame | null>(recorded?.workers ?? null);

/** Figures are shown, but are not those of now. */
export const isStale = computed(
  () => connection.value.kind === 'stale' || connection.value.kind === 'closed',
);

/** This browser's clock, once a second while somebody looks. */
export const tick = signal(Date.now());
/** Server's clock minus this browser's. */
export const skew = signal(0);
/** The server's time, for "8 s ago". In a recorded page time stands still. */
export const clock = computed(() => recorded?.at ?? tick.value + skew.value);

if (typeof document !== 'undefined' && !recorded) {
  setInterval(() => {
    if (document.visibilityState === 'visible') tick.value = Date.now();
  }, 1000);
}
