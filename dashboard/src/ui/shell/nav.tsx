import { useState } from 'preact/hooks';
import { now } from '../../data/store.ts';
import type { NowFrame } from '../../data/types.ts';
import { compact } from '../format.ts';
import { Icon, type IconName } from '../icon.tsx';
import { href, route, type View } from '../route.ts';

interface Item {
  readonly view: View;
  readonly label: string;
  readonly icon: IconName;
  readonly count?: (frame: NowFrame) => number;
}

const items: readonly Item[] = [
  { view: 'overview', label: 'Overview', icon: 'overview' },
  { view: 'pools', label: 'Pools', icon: 'pools', count: ({ pools }) => pools.length },
  { view: 'latency', label: 'Latency', icon: 'latency' },
  { view: 'errors', label: 'Errors', icon: 'error', count: ({ counts }) => counts.errors },
  { view: 'slow', label: 'Slow', icon: 'slow', count: ({ counts }) => counts.slow },
  { view: 'events', label: 'Events', icon: 'events' },
  { view: 'health', label: 'Health', icon: 'health', count: ({ reasons }) => reasons.length },
  { view: 'telemetry', label: 'Telemetry', icon: 'telemetry', count: ({ counts }) => counts.dropped },
];
/** So many fit beside each other on a phone; the others are behind "More". */
const FIRST = 4;

function NavLink({ item, index }: { readonly item: Item; readonly index: number }) {
  const { view } = route.value;
  const active = view === item.view || (view === 'worker' && item.view === 'pools');
  const frame = now.value;
  const n = frame && item.count ? item.count(frame) : 0;
  return (
    <li class={index < FIRST ? '' : 'nav-later'}>
      <a class="nav-link" href={href(item.view)} aria-current={active ? 'page' : undefined}>
        <Icon name={item.icon} />
        <span class="nav-label">{item.label}</span>
        <span class="nav-count num">{n > 0 ? compact(n) : ''}</span>
      </a>
    </li>
  );
}

export function Nav() {
  const [open, setOpen] = useState(false);
  const later = items.slice(FIRST).some(({ view }) => view === route.value.view);
  return (
    <nav class={`nav ${open ? 'nav-open' : ''}`} aria-label="Views">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a click on any link in here closes what "More" opened. */}
      <ul onClick={() => setOpen(false)}>
        {items.map((item, index) => (
          <NavLink key={item.view} item={item} index={index} />
        ))}
      </ul>
      <button
        type="button"
        class={`nav-link nav-more ${later ? 'within' : ''}`}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
        <span class="nav-label">More</span>
      </button>
    </nav>
  );
}
