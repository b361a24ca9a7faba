/** Every way to cut a frame that a worker has. Hang up: it ends its side of the connection and lives on. */
const cuts = ['work', 'control'].flatMap((which) =>
  ['header', 'body'].flatMap((piece) => ['exit', 'hang up', 'stay'].map((then) => ({ which, piece, then }))),
);

export const cutFrames = {
  name: 'frames cut in the middle',
  run: async (lab, { long }) => {
    await lab.open({ cancelGraceMs: 200, heartbeatIntervalMs: 200, stuckAfterMs: 1200 });
    await lab.servesAgain();
    const load = lab.load({ lanes: 3 });
    // In the short form one of each kind, by chance of which connection and where.
    const wanted = long
      ? [...cuts, ...cuts]
      : ['exit', 'hang up', 'stay'].map((then) => lab.random.pick(cuts.filter((cut) => cut.then === then)));
    for (const cut of wanted) {
      const done = await lab.send('cut', cut, { timeoutMs: cut.then === 'stay' ? 300 : 5000 });
      lab.must(!done, `a request succeeded after its worker cut a frame (${Object.values(cut).join(', ')})`);
      await lab.servesAgain();
    }
    await load.stop();
  },
};
