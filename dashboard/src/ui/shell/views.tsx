import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import OverviewView from '../../views/overview/overview.tsx';
import { Notice, Skeleton } from '../card.tsx';
import { route, type View } from '../route.ts';

type Module = { readonly default: ComponentType };

/** What is looked at first comes with the page, the rest when it is asked for. */
const loaders: Readonly<Record<Exclude<View, 'overview'>, () => Promise<Module>>> = {
  pools: () => import('../../views/pools/pools.tsx'),
  worker: () => import('../../views/worker/worker.tsx'),
  latency: () => import('../../views/latency/latency.tsx'),
  errors: () => import('../../views/errors/errors.tsx'),
  slow: () => import('../../views/slow/slow.tsx'),
  events: () => import('../../views/events/events.tsx'),
  health: () => import('../../views/health/health.tsx'),
  telemetry: () => import('../../views/telemetry/telemetry.tsx'),
};

const loaded = new Map<View, ComponentType>([['overview', OverviewView]]);

export function CurrentView() {
  const { view } = route.value;
  const [failed, setFailed] = useState<View | null>(null);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (view === 'overview' || loaded.has(view)) return;
    loaders[view]().then(
      (module) => {
        loaded.set(view, module.default);
        redraw((count) => count + 1);
      },
      () => setFailed(view),
    );
  }, [view]);
  const Shown = loaded.get(view);
  if (Shown) return <Shown key={view} />;
  if (failed !== view) return <Skeleton lines={8} />;
  const again = (
    <button type="button" class="button" onClick={() => location.reload()}>
      Load anew
    </button>
  );
  return (
    <Notice status="error" title="This view could not be loaded." aside={again}>
      The server gave no answer, or another version of it runs now.
    </Notice>
  );
}
