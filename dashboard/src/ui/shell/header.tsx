import { isRecorded } from '../../data/recorded.ts';
import { connection, now } from '../../data/store.ts';
import { apiUrl } from '../../data/urls.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { href } from '../route.ts';
import { StatusBadge, type Tone } from '../status.tsx';
import { choice, nextChoice } from '../theme.ts';

const stands: Readonly<Record<string, readonly [Tone, string]>> = {
  connecting: ['neutral', 'Connecting'],
  live: ['ok', 'Live'],
  stale: ['warning', 'Stale'],
  login: ['neutral', 'Log in'],
  closed: ['error', 'Ended'],
  recorded: ['info', 'Recorded'],
};

const icons = { auto: 'auto', light: 'sun', dark: 'moon' } as const;

function ThemeButton() {
  const name = `Theme: ${choice.value === 'auto' ? 'as the system' : choice.value}`;
  return (
    <button type="button" class="button quiet icon-only" title={name} aria-label={name} onClick={nextChoice}>
      <Icon name={icons[choice.value]} />
    </button>
  );
}

/** The page as it is now and the events of late, in one file to keep or send. */
function SaveIncident() {
  // A recorded file is one already.
  if (isRecorded) return null;
  const what = 'Save the last 15 minutes as one file';
  return (
    <a class="button quiet icon-only" href={apiUrl('api/incident')} download title={what} aria-label={what}>
      <Icon name="download" />
    </a>
  );
}

export function Header({ onHelp }: { readonly onHelp: () => void }) {
  const frame = now.value;
  const [tone, word] = stands[connection.value.kind] ?? ['neutral', ''];
  return (
    <header class="header">
      <a class="brand" href={href('overview')}>
        <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
          <path d="M11.5 4.5H6.2a1.8 1.8 0 0 0 0 3.5h3.6a1.8 1.8 0 0 1 0 3.5H4.5" />
        </svg>
        <span>Snakepit</span>
      </a>
      {frame && (
        <>
          <a class="header-status stale-able" href={href('health')}>
            <StatusBadge status={frame.status} />
          </a>
          <span class="muted header-fact clip" title={`Instance ${frame.instance}, version ${frame.version}`}>
            <span class="mono">{frame.instance}</span> · {frame.version}
          </span>
          <span class="muted header-fact num">up {duration(frame.uptime_ms)}</span>
        </>
      )}
      <span class="grow" />
      <StatusBadge status={tone} label={word} />
      <SaveIncident />
      <ThemeButton />
      <button
        type="button"
        class="button quiet icon-only"
        aria-label="Help and shortcuts"
        title="Help and shortcuts (?)"
        onClick={onHelp}
      >
        <Icon name="help" />
      </button>
    </header>
  );
}
