import type { NowFrame, Reason } from '../../data/types.ts';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';

const heading: Readonly<Record<NowFrame['status'], string>> = {
  ok: 'All checks pass',
  warning: 'Needs a look',
  error: 'Something is wrong',
};

function ReasonItem({ reason }: { readonly reason: Reason }) {
  return (
    <li>
      <StatusBadge status={reason.status} label={reason.name} />
      <div>
        <div>{reason.message}</div>
        {reason.why && <div class="muted">{reason.why}</div>}
        {reason.remedy && (
          <div>
            <span class="muted">To mend it: </span>
            {reason.remedy}
          </div>
        )}
      </div>
    </li>
  );
}

/** How it stands, why, and what would mend it. */
export function Verdict({ frame }: { readonly frame: NowFrame }) {
  const words = frame.state === 'running' ? heading[frame.status] : `The instance is ${frame.state}`;
  return (
    <section class={`verdict tone-${frame.status} stale-able`} aria-label="Status">
      <StatusBadge status={frame.status} size="large" />
      <h2 class="grow">{words}</h2>
      <span class="muted">{frame.ready ? 'Ready for requests' : 'Not ready: no requests are sent here'}</span>
      <a href={href('health')}>All checks</a>
      {frame.reasons.length > 0 && (
        <ul class="verdict-reasons">
          {frame.reasons.map((reason) => (
            <ReasonItem key={reason.name} reason={reason} />
          ))}
        </ul>
      )}
    </section>
  );
}
