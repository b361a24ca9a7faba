import { manyDeaths } from './scenarios/deaths.mjs';
import { grandchildren, memory, outputFlood } from './scenarios/excess.mjs';
import { exitInGenerator, exitInHandler, exitInImport, exitInOnStop, segfault } from './scenarios/exits.mjs';
import { cutFrames } from './scenarios/frames.mjs';
import { fullDisk, killedHosts } from './scenarios/hosts.mjs';
import { holdingTheGil, killedUnderLoad, stopped } from './scenarios/kills.mjs';
import { lastDeath } from './scenarios/readiness.mjs';

export { runScenario } from './lib/run.mjs';
export { table } from './lib/table.mjs';

/** Every scenario, in the order in which they are run. */
export const scenarios = [
  killedUnderLoad,
  stopped,
  holdingTheGil,
  exitInImport,
  exitInHandler,
  exitInGenerator,
  exitInOnStop,
  segfault,
  memory,
  grandchildren,
  outputFlood,
  killedHosts,
  fullDisk,
  cutFrames,
  lastDeath,
  manyDeaths,
];
