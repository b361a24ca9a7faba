import { Dialog } from '../dialog.tsx';
import { Toggle } from '../filter.tsx';
import { shortcuts } from '../route.ts';
import { keysOn, switchKeys } from './keys.ts';

const others = [
  ['/', 'Go to the filter'],
  ['Esc', 'Show all of the charts again'],
  ['↑ ↓', 'Go from row to row; Enter opens one'],
  ['?', 'This help'],
] as const;

export function Help({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Dialog title="Help" open={open} onClose={onClose}>
      <p class="muted">
        This page only reads. Commands to change something are there to be copied. Drag across a chart to look
        closer; all charts follow. Figures carry the name of the metric they agree with.
      </p>
      <dl class="keys">
        {Object.entries(shortcuts).map(([key, { label }]) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
        {others.map(([key, label]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
      <Toggle label="Shortcuts of single letters" checked={keysOn.value} onChange={switchKeys} />
    </Dialog>
  );
}
