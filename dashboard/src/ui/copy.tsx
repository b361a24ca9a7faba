import { useEffect, useState } from 'preact/hooks';
import { announce } from './announce.ts';
import { Icon } from './icon.tsx';

/** Outside https browsers give no clipboard; a selection that is copied works there. */
const copyBySelection = (text: string): boolean => {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
};

const copy = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
};

export interface CopyButtonProps {
  readonly text: string;
  /** What is copied, for the name of the button: "metric name". */
  readonly label?: string | undefined;
  /** Shows a word beside the sign: this one, or `Copy`. */
  readonly visible?: boolean | string;
}

export function CopyButton({ text, label = 'text', visible = false }: CopyButtonProps) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  const onClick = async (event: MouseEvent) => {
    event.stopPropagation();
    const ok = await copy(text);
    setDone(ok);
    announce(ok ? `Copied: ${text.slice(0, 80)}` : 'The browser did not let it be copied.');
  };
  return (
    <button
      type="button"
      class={`button quiet copy ${visible ? '' : 'icon-only'}`}
      title={`Copy ${label}`}
      aria-label={`Copy ${label}`}
      onClick={onClick}
    >
      <Icon name={done ? 'check' : 'copy'} size={14} />
      {visible && <span>{done ? 'Copied' : visible === true ? 'Copy' : visible}</span>}
    </button>
  );
}

/** A short text for a terminal or a query. */
export function CopyCode({ text, label }: { readonly text: string; readonly label?: string }) {
  return (
    <span class="copy-code">
      <code title={text}>{text}</code>
      <CopyButton text={text} label={label ?? text} />
    </span>
  );
}

/** A block of text as it came. */
export function Code({
  text,
  copy: copies = true,
  label = 'text',
}: {
  readonly text: string;
  readonly copy?: boolean;
  readonly label?: string;
}) {
  return (
    <div class="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a pre can only have the role. */}
      <pre tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      {copies && <CopyButton text={text} label={label} />}
    </div>
  );
}
