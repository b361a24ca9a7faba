import { useMemo } from 'preact/hooks';
import type { EventRow } from '../../text/event-rows.ts';
import { slowTone } from '../../text/slow.ts';
import { type Chapter, type Step, type Story as StoryData, storyOf } from '../../text/story.ts';
import { Card, Empty } from '../../ui/card.tsx';
import { ms, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { AnatomyLine } from '../slow/anatomy.tsx';
import { levelTones } from './rows.tsx';
import './story.css';

const percentOf = (part: number, whole: number): string =>
  `${whole <= 0 ? 0 : Math.min(100, Math.max(0, (part / whole) * 100))}%`;

/** Events know the time to the millisecond. */
const wholeMs = (took: number): string => (took < 1000 ? `${Math.round(took)} ms` : ms(took));

/** A span on the whole of the story. */
function Track({
  from,
  length,
  whole,
}: {
  readonly from: number;
  readonly length: number;
  readonly whole: number;
}) {
  return (
    <span class="track" aria-hidden="true">
      <span class="track-span" style={{ left: percentOf(from, whole), width: percentOf(length, whole) }} />
    </span>
  );
}

function StepRow({ step, whole }: { readonly step: Step; readonly whole: number }) {
  const next = step.untilNextMs;
  return (
    <li class={`step ${step.level}`}>
      <span class="step-offset num">+{wholeMs(step.offsetMs)}</span>
      <span class="step-sign">
        <Icon name={levelTones[step.level]} size={14} />
      </span>
      <span class="step-what">
        <strong>{step.title}</strong> <span class="step-said">{step.said}</span>
      </span>
      <Track from={step.offsetMs} length={next ?? 0} whole={whole} />
      <span class="step-next num muted">{next === null ? '' : `${wholeMs(next)} to the next`}</span>
    </li>
  );
}

function Outcome({ chapter }: { readonly chapter: Chapter }) {
  if (chapter.requestId === null) return null;
  if (chapter.outcome === null) return <StatusBadge status="info" label="not settled yet" />;
  return <StatusBadge status={slowTone(chapter.outcome)} label={chapter.outcome} />;
}

function ChapterCard({ chapter, whole }: { readonly chapter: Chapter; readonly whole: number }) {
  const { requestId, command, pool, workerId, chunks } = chapter;
  const title = requestId === null ? 'Beside the requests' : (command ?? requestId);
  return (
    <Card
      level={2}
      title={<span class="mono">{title}</span>}
      aside={
        <>
          <Outcome chapter={chapter} />
          <span class="num">{ms(chapter.durationMs)}</span>
        </>
      }
    >
      <p class="row small muted">
        {requestId !== null && <span class="mono">{requestId}</span>}
        {pool !== null && <span>pool {pool}</span>}
        {workerId !== null && (
          <a class="mono" href={href('worker', { pool, worker: workerId })}>
            {workerId}
          </a>
        )}
        {chunks > 2 && <span>{plural(chunks, 'chunk')}, the first and the last are shown</span>}
      </p>
      {!chapter.whole && (
        <p class="small muted">
          How it was accepted and started was not taken down: events that every request brings are kept only
          while somebody looks at them.
        </p>
      )}
      {chapter.parts.length > 0 && <AnatomyLine parts={chapter.parts} />}
      <ol class="steps">
        {chapter.steps.map((step) => (
          <StepRow key={step.id} step={step} whole={whole} />
        ))}
      </ol>
    </Card>
  );
}

function Told({ story }: { readonly story: StoryData }) {
  return (
    <div class="stack tight">
      <p class="muted small">
        Began <Time at={story.from} mode="both" /> ·{' '}
        {plural(story.chapters.filter(({ requestId }) => requestId !== null).length, 'request')} ·{' '}
        {wholeMs(story.durationMs)} in all
      </p>
      {story.chapters.map((chapter) => (
        <ChapterCard key={chapter.requestId ?? ''} chapter={chapter} whole={story.durationMs} />
      ))}
    </div>
  );
}

/** All that is known of one correlation id, from the queue over what Python said to the result. */
export function Story({
  rows,
  isLoading,
}: {
  readonly rows: readonly EventRow[];
  readonly isLoading: boolean;
}) {
  const story = useMemo(() => storyOf(rows.filter((row) => row.kind === 'event')), [rows]);
  if (story !== undefined) return <Told story={story} />;
  return (
    <Empty
      tone="neutral"
      title={isLoading ? 'Looking for what is kept of it …' : 'Nothing is kept of this correlation id'}
      hint="Failures are kept for long; what every request brings only while somebody looks. What comes from now on is shown here."
    />
  );
}
