import type { Snapshot } from '../../events/index.ts';

/** The commands of every pool, with their parameters, as the workers announced them. */
export const listCommands = ({ pools }: Snapshot) => ({
  pools: Object.fromEntries(
    Object.entries(pools).map(([name, { state, ready, commands }]) => [name, { state, ready, commands }]),
  ),
});
