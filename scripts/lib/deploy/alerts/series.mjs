/** Names of series for the cases of alerts. */

/** The target of every case. */
export const target = { job: 'snakepit', instance: '10.0.0.1:9464' };
/** The same, with a pool. */
export const inPool = { ...target, pool_name: 'default' };

/** A series of that target: `of('snakepit_ready')`, `of('snakepit_pool_slots', { pool_name: 'default' })`. */
export const of = (name, labels = {}) =>
  `${name}{${Object.entries({ ...target, ...labels })
    .map(([label, value]) => `${label}="${value}"`)
    .join(', ')}}`;
/** A series of its pool `default`. */
export const ofPool = (name, labels = {}) => of(name, { pool_name: 'default', ...labels });

/** A level that stays, a sample a minute for two hours. */
export const stays = (value) => `${value}x120`;
/** A counter that rises by so much a minute, for two hours, or `minutes`. */
export const rises = (perMinute, minutes = 120) => `0+${perMinute}x${minutes}`;
