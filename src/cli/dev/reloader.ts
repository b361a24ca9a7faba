import type { Reloaded } from '../serve-lifecycle.ts';
import { reloadFailed, reloadReport } from './report.ts';

/** What a reloader is made with. */
export interface ReloaderSettings {
  readonly reload: () => Promise<readonly Reloaded[]>;
  readonly say: (text: string) => void;
  /**
   * Quiet time before a reload. Editors save several files one after the other, and the watcher leaves out a change that follows another
   * within 50 ms, so that a reload must not begin sooner. Default: 100 ms.
   */
  readonly debounceMs?: number;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'reloading' }
  | { readonly kind: 'stopped' };

/** Makes reloads from changes: one for those that come together, one more for those that come during it. */
export class Reloader {
  readonly #settings: ReloaderSettings;
  readonly #changed = new Set<string>();
  #state: State = { kind: 'idle' };

  constructor(settings: ReloaderSettings) {
    this.#settings = settings;
  }

  /** A file was changed. */
  changed(path: string): void {
    if (this.#state.kind === 'stopped') return;
    this.#changed.add(path);
    // Its end looks at what has come.
    if (this.#state.kind !== 'reloading') this.#wait();
  }

  /** Begins no reload any more. One that runs is not waited for. */
  stop(): void {
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer);
    this.#state = { kind: 'stopped' };
  }

  #wait(): void {
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer);
    const { debounceMs = 100 } = this.#settings;
    this.#state = { kind: 'waiting', timer: setTimeout(() => void this.#reload(), debounceMs) };
  }

  async #reload(): Promise<void> {
    this.#state = { kind: 'reloading' };
    const changed = [...this.#changed];
    this.#changed.clear();
    const began = performance.now();
    const took = () => performance.now() - began;
    const text = await this.#settings.reload().then(
      (outcomes) => reloadReport(changed, outcomes, took()),
      (error: unknown) => reloadFailed(changed, error, took()),
    );
    // Asked to end meanwhile: what became of the workers is no news any more.
    if ((this.#state as State).kind === 'stopped') return;
    this.#settings.say(text);
    this.#state = { kind: 'idle' };
    if (this.#changed.size > 0) this.#wait();
  }
}
