import { changesOf } from '../../text/strip.ts';
import { plural } from '../../ui/format.ts';
import { StatusBadge, type Tone } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { Strip } from './strip.tsx';
import type { Check, Detailed } from './types.ts';

const tones: readonly Tone[] = ['ok', 'warning', 'error'];
export const toneOf = (status: string): Tone => tones.find((tone) => tone === status) ?? 'neutral';
export const title = (name: string): string => {
  const text = name.replaceAll('_', ' ');
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
};

/** The changes of a check, or of the whole; the newest first. */
export function Changes({ report, check }: { readonly report: Detailed; readonly check: string | null }) {
  const changes = changesOf(report.history, check);
  if (changes.length === 0) return null;
  return (
    <details class="changes">
      <summary class="changes-summary">{plural(changes.length, 'change')} of status</summary>
      <ol class="change-list">
        {changes.map((change, i) => (
          <li class="change" key={`${change.at} ${i}`}>
            <Time at={change.at} mode="both" />
            <span class="row">
              <StatusBadge status={toneOf(change.from)} /> → <StatusBadge status={toneOf(change.to)} />
            </span>
            <span class="muted">{change.why}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

function CheckRow({ check, report }: { readonly check: Check; readonly report: Detailed }) {
  const { name, status, message, why, remedy } = check;
  return (
    <li class="check" id={`check-${name}`}>
      <div class="check-head">
        <StatusBadge status={toneOf(status)} />
        <strong>{title(name)}</strong>
        <span class="check-message">{message}</span>
        <div class="check-strip">
          <Strip report={report} check={name} status={status} />
        </div>
      </div>
      {(why !== undefined || remedy !== undefined) && (
        <dl class="kv check-why">
          {why !== undefined && <dt>Why</dt>}
          {why !== undefined && <dd>{why}</dd>}
          {remedy !== undefined && <dt>What mends it</dt>}
          {remedy !== undefined && <dd>{remedy}</dd>}
        </dl>
      )}
      <Changes report={report} check={name} />
    </li>
  );
}

const rank = (status: string): number => ['error', 'warning'].indexOf(status) >>> 0;

/** What is looked at; the worst first. */
export function Checks({ report }: { readonly report: Detailed }) {
  const checks = report.checks.toSorted((a, b) => rank(a.status) - rank(b.status));
  return (
    <ul class="checks">
      {checks.map((check) => (
        <CheckRow key={check.name} check={check} report={report} />
      ))}
    </ul>
  );
}
