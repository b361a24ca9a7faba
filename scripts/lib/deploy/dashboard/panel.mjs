/** Panels of the dashboard, in Grafana's classic model, and where they stand. */

const datasource = { type: 'prometheus', uid: '$datasource' };
const WIDTH = 24;

const target = ([expr, legend], index, { type, format = 'time_series' }) => ({
  datasource,
  editorMode: 'code',
  expr,
  ...(legend !== undefined && { legendFormat: legend }),
  refId: String.fromCharCode(65 + index),
  ...(type === 'stat' ? { instant: true, range: false } : { instant: false, range: true }),
  format,
});

const color = { mode: 'palette-classic' };
const steps = (thresholds) => ({
  mode: 'absolute',
  steps: thresholds.map(([value, name]) => ({ value, color: name })),
});

const kinds = {
  timeseries: ({ unit, stack, max }) => ({
    fieldConfig: {
      defaults: {
        color,
        unit,
        min: 0,
        ...(max !== undefined && { max }),
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: stack ? 30 : 8,
          showPoints: 'never',
          spanNulls: false,
          stacking: { mode: stack ? 'normal' : 'none', group: 'A' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }),
  stat: ({ unit, thresholds = [[null, 'text']], mappings = [] }) => ({
    fieldConfig: {
      defaults: { color: { mode: 'thresholds' }, unit, mappings, thresholds: steps(thresholds) },
      overrides: [],
    },
    options: {
      colorMode: thresholds.length > 1 ? 'background' : 'value',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'auto',
      wideLayout: true,
      percentChangeColorMode: 'standard',
      showPercentChange: false,
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  }),
  heatmap: ({ unit }) => ({
    fieldConfig: { defaults: { custom: { scaleDistribution: { type: 'linear' } } }, overrides: [] },
    options: {
      calculate: false,
      cellGap: 1,
      color: {
        mode: 'scheme',
        scheme: 'Oranges',
        fill: 'dark-orange',
        exponent: 0.5,
        reverse: false,
        steps: 64,
      },
      exemplars: { color: 'rgba(255,0,255,0.7)' },
      filterValues: { le: 1e-9 },
      legend: { show: true },
      rowsFrame: { layout: 'auto' },
      showValue: 'never',
      tooltip: { mode: 'single', yHistogram: true, showColorScale: false },
      yAxis: { axisPlacement: 'left', reverse: false, unit },
    },
  }),
};

/**
 * @param {object} of
 * @param {string} of.title
 * @param {string} of.about - shown when one points at the panel
 * @param {[expr: string, legend?: string][]} of.queries
 * @param {'timeseries' | 'stat' | 'heatmap'} [of.type]
 * @param {string} [of.unit] - Grafana's name of it
 * @param {number} [of.width] - of 24
 */
export const panel = ({
  title,
  about,
  queries,
  type = 'timeseries',
  unit = 'short',
  width = 8,
  ...more
}) => ({
  type,
  title,
  description: about,
  datasource,
  targets: queries.map((query, index) => target(query, index, { type, ...more })),
  gridPos: { w: width, h: type === 'stat' ? 4 : 8 },
  ...kinds[type]({ unit, ...more }),
});

export const row = (title, panels) => ({ title, panels });

const heading = (title) => ({
  type: 'row',
  title,
  collapsed: false,
  panels: [],
  gridPos: { w: WIDTH, h: 1 },
});

/** Numbers the panels and sets them from left to right. */
export const placed = (rows) => {
  let x = 0;
  let y = 0;
  let height = 0;
  return rows
    .flatMap(({ title, panels }) => [heading(title), ...panels])
    .map(({ type, ...rest }, index) => {
      const { w, h } = rest.gridPos;
      if (x + w > WIDTH || type === 'row') {
        x = 0;
        y += height;
        height = 0;
      }
      const gridPos = { x, y, w, h };
      x += w;
      height = Math.max(height, h);
      return { id: index + 1, type, ...rest, gridPos };
    });
};
