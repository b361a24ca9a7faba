import { setImmediate as turn } from 'node:timers/promises';

export const lastDeath = {
  name: 'death of the last worker',
  run: async (lab, { long }) => {
    const pit = await lab.open({}, { ops: { port: 0 } });
    for (let round = 0; round < (long ? 100 : 4); round++) {
      // Each worker has answered before it dies: else they would end in quarantine, and rightly.
      await lab.servesAgain();
      lab.must(pit.health.checkReadiness().status !== 'error', 'not ready, though every worker serves');
      const victims = lab.serving;
      for (const victim of victims) lab.strike(victim);
      const killedAt = performance.now();
      await Promise.all([
        until(() => pit.health.checkReadiness().status === 'error').then(() =>
          lab.notReady.asked.push(performance.now() - killedAt),
        ),
        until(async () => (await statusOf(`${pit.opsUrl}/health/ready`)) === 503).then(() =>
          lab.notReady.http.push(performance.now() - killedAt),
        ),
      ]);
    }
    await lab.servesAgain();
  },
};

/** Without a pause between the questions, since the time itself is what is wanted. The scenario as a whole has a limit. */
const until = async (condition) => {
  while (!(await condition())) await turn();
};

const statusOf = async (url) => {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
};
