import { describe, expect, it } from 'vitest';
import { Poison } from '../../src/core/poison.ts';
import { fakeRequest, manualClock } from './fakes.ts';

const killer = () => fakeRequest({ command: 'kill', rawArgs: { n: 1 } });
const setup = (poisonAfter = 3) => new Poison({ poisonAfter, poisonForMs: 1000 });

describe('requests that kill workers', () => {
  it('are refused once so many workers have died with the same command and arguments', () => {
    const clock = manualClock();
    const poison = setup();
    for (let deaths = 1; deaths < 3; deaths++) {
      poison.died([killer()]);
      expect(poison.verdict(killer())).toBeUndefined();
      expect(poison.quarantined).toEqual([]);
    }
    poison.died([killer()]);
    expect(poison.verdict(killer())).toBe(3);
    expect(poison.quarantined).toEqual([
      {
        command: 'kill',
        args_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
        deaths: 3,
        until: 1_700_000_000_000 + clock.now() + 1000,
      },
    ]);
  });

  it('are told from others of the same command, and from other commands with the same arguments', () => {
    manualClock();
    const poison = setup(1);
    poison.died([killer()]);
    expect(poison.verdict(fakeRequest({ command: 'kill', rawArgs: { n: 2 } }))).toBeUndefined();
    expect(poison.verdict(fakeRequest({ command: 'kill', rawArgs: {} }))).toBeUndefined();
    expect(poison.verdict(fakeRequest({ command: 'heal', rawArgs: { n: 1 } }))).toBeUndefined();
    expect(poison.verdict(killer())).toBe(1);
  });

  it('are let through again after a while, with nothing held against them', () => {
    const clock = manualClock();
    const poison = setup(2);
    poison.died([killer(), killer()]);
    clock.forward(999);
    expect(poison.verdict(killer())).toBe(2);
    clock.forward(1);
    expect(poison.quarantined).toEqual([]);
    expect(poison.verdict(killer())).toBeUndefined();
    poison.died([killer()]);
    expect(poison.verdict(killer())).toBeUndefined();
  });

  it('are let through again when an operator says so', () => {
    manualClock();
    const poison = setup(1);
    poison.died([killer(), fakeRequest({ command: 'other' })]);
    expect(poison.clear()).toBe(2);
    expect(poison.clear()).toBe(0);
    expect(poison.verdict(killer())).toBeUndefined();
  });

  it('are cleared by one success, for they may only have run beside the culprit', () => {
    manualClock();
    const poison = setup(3);
    const beside = () => fakeRequest({ command: 'beside' });
    poison.died([killer(), beside()]);
    poison.died([killer(), beside()]);
    poison.survived(beside());
    poison.died([killer(), beside()]);
    expect(poison.verdict(killer())).toBe(3);
    expect(poison.verdict(beside())).toBeUndefined();
  });

  it('are not cleared once quarantined, by one that was let in before', () => {
    manualClock();
    const poison = setup(1);
    poison.died([killer()]);
    poison.survived(killer());
    expect(poison.verdict(killer())).toBe(1);
  });

  it('are never refused with poisonAfter 0', () => {
    manualClock();
    const poison = setup(0);
    for (let i = 0; i < 10; i++) poison.died([killer()]);
    expect(poison.verdict(killer())).toBeUndefined();
    expect(poison.quarantined).toEqual([]);
  });

  it('cannot fill memory: the oldest suspects are forgotten', () => {
    manualClock();
    const poison = setup(1);
    for (let n = 0; n < 1500; n++) poison.died([fakeRequest({ command: 'kill', rawArgs: { n } })]);
    expect(poison.quarantined).toHaveLength(1000);
    expect(poison.verdict(fakeRequest({ command: 'kill', rawArgs: { n: 499 } }))).toBeUndefined();
    expect(poison.verdict(fakeRequest({ command: 'kill', rawArgs: { n: 500 } }))).toBe(1);
  });
});
