import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { EventRow } from '../../text/event-rows.ts';
import { Icon } from '../../ui/icon.tsx';
import { rowView } from './rows.tsx';

/** Within so many pixels of the end counts as the end. */
const NEAR = 24;

export interface EventListProps {
  /** Oldest first. */
  readonly rows: readonly EventRow[];
  readonly empty: ComponentChildren;
  /** As high as its rows, up to a limit: where it is not what is looked at first. */
  readonly short?: boolean;
}

/** The tail. It follows what comes only while its end is seen: whoever reads above is left in peace. */
export function EventList({ rows, empty, short = false }: EventListProps) {
  const box = useRef<HTMLElement>(null);
  const following = useRef(true);
  const lastTop = useRef(0);
  const [isAway, setAway] = useState(false);
  const toEnd = () => {
    const element = box.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
  };
  // What was added may have moved the end.
  useLayoutEffect(() => {
    if (following.current) toEnd();
  }, [rows]);
  const onScroll = () => {
    const element = box.current;
    if (element === null) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    // The end moves without anybody scrolling; only going up is a wish to stay.
    if (scrollHeight - scrollTop - clientHeight <= NEAR) following.current = true;
    else if (scrollTop < lastTop.current) following.current = false;
    lastTop.current = scrollTop;
    setAway(!following.current);
  };
  const onJump = () => {
    following.current = true;
    setAway(false);
    toEnd();
  };
  return (
    <div class="event-list">
      <section
        class={`event-box ${short ? 'short' : ''}`}
        ref={box}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-label="Events, newest last"
      >
        {rows.length === 0 ? empty : <ol>{rows.map(rowView)}</ol>}
      </section>
      {isAway && (
        <button type="button" class="button to-end" onClick={onJump}>
          <Icon name="down" size={14} /> Newest
        </button>
      )}
    </div>
  );
}
