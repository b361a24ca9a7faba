import { Icon } from './icon.tsx';

export type Tone = 'ok' | 'warning' | 'error' | 'info' | 'neutral';

const words: Readonly<Record<Tone, string>> = {
  ok: 'OK',
  warning: 'Warning',
  error: 'Error',
  info: 'Info',
  neutral: 'Off',
};

export interface StatusBadgeProps {
  readonly status: Tone;
  /** Instead of the status' own word. */
  readonly label?: string | undefined;
  readonly size?: 'small' | 'large' | undefined;
  readonly title?: string | undefined;
}

/** Shape, word and colour, so that no one of them is the only sign. */
export function StatusBadge({ status, label, size = 'small', title }: StatusBadgeProps) {
  return (
    <span class={`badge ${status} ${size === 'large' ? 'badge-large' : ''}`} title={title}>
      <Icon name={status} size={size === 'large' ? 20 : 14} />
      <span>{label ?? words[status]}</span>
    </span>
  );
}

const workerTones: Readonly<Record<string, Tone>> = {
  ready: 'ok',
  busy: 'info',
  starting: 'neutral',
  draining: 'neutral',
  backoff: 'warning',
  quarantined: 'error',
};

export const workerTone = (state: string): Tone => workerTones[state] ?? 'neutral';
