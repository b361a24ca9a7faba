import { foldFrames, foldText, type Run, shortPath } from '../../text/frames.ts';
import type { Raised } from '../../text/traceback.ts';
import type { Frame } from '../../text/types.ts';
import './traceback.css';

function FrameRow({ frame }: { readonly frame: Frame }) {
  return (
    <li class="frame">
      <span class="frame-place">
        <span class="mono" title={`${frame.file}, line ${frame.line}`}>
          {shortPath(frame.file)}:{frame.line}
        </span>
        <span class="muted"> in </span>
        <span class="mono frame-name">{frame.function}</span>
      </span>
      {frame.code !== null && <code class="frame-code">{frame.code}</code>}
    </li>
  );
}

function Frames({ run }: { readonly run: Run }) {
  return (
    <ol class="frames">
      {run.frames.map((frame, i) => (
        <FrameRow key={i} frame={frame} />
      ))}
    </ol>
  );
}

/** The frames of a stack: the app's own, and those of libraries behind one line each. */
export function Stack({ frames }: { readonly frames: readonly Frame[] }) {
  const runs = foldFrames(frames);
  // Where there is nothing of the app's own, what there is must be seen.
  const isAll = runs.length === 1;
  return (
    <div class="stack-frames">
      {runs.map((run, i) =>
        run.kind === 'app' ? (
          <Frames key={i} run={run} />
        ) : (
          <details key={i} class="folded" open={isAll}>
            <summary>{foldText(run)}</summary>
            <Frames run={run} />
          </details>
        ),
      )}
    </div>
  );
}

const relations = {
  cause: 'Caused by',
  context: 'Raised while handling',
} as const;

/** An exception, and those behind it. Python's order: the most recent call last. */
export function Traceback({ raised }: { readonly raised: readonly Raised[] }) {
  return (
    <ol class="exceptions">
      {raised.map((one, i) => (
        <li key={i}>
          {one.relation !== undefined && <p class="muted relation">{relations[one.relation]}</p>}
          <p class="exception-head">
            <strong class="mono">{one.type}</strong>
            {one.message !== '' && <span class="exception-message">{one.message}</span>}
          </p>
          {one.frames.length > 0 ? (
            <Stack frames={one.frames} />
          ) : (
            <p class="muted small">Its frames were not kept.</p>
          )}
        </li>
      ))}
    </ol>
  );
}
