import { connection, now, tick } from '../../data/store.ts';
import { clockTime, dateTime, duration } from '../format.ts';
import { Icon } from '../icon.tsx';

const words = (): string | null => {
  const state = connection.value;
  if (state.kind === 'recorded') return `Recorded at ${dateTime(state.at)}. Nothing here changes any more.`;
  if (state.kind === 'stale') {
    return `Stale since ${clockTime(state.since)} (${duration(tick.value - state.since)}). Trying to reach Snakepit again.`;
  }
  if (state.kind === 'closed')
    return `This instance ended at ${clockTime(state.since)}. Waiting for the next one.`;
  return state.kind === 'connecting' && now.value ? 'Connecting again.' : null;
};

/** Says when what is shown is not what is. It lies over the page, so that nothing below jumps. */
export function Banner() {
  const text = words();
  if (text === null) return null;
  const kind = connection.value.kind === 'recorded' ? 'info' : 'warning';
  return (
    <div class={`banner tone-${kind}`} data-banner={connection.value.kind}>
      <Icon name={kind} />
      <span class="num">{text}</span>
    </div>
  );
}
