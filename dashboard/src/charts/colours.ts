/** Colours of the style sheet for a canvas, which knows no custom properties. */

const probe = (): HTMLElement => {
  const known = document.getElementById('colour-probe');
  if (known) return known;
  const element = document.createElement('span');
  element.id = 'colour-probe';
  element.hidden = true;
  document.body.append(element);
  return element;
};

/** The colour that a property such as `--accent` stands for in the theme of now. */
export const colour = (property: string): string => {
  const element = probe();
  element.style.color = `var(${property})`;
  return getComputedStyle(element).color;
};

/** The same colour, less of it. */
export const faded = (rgb: string, alpha: number): string => {
  const parts =
    /\(([^)/]+)/
      .exec(rgb)?.[1]
      ?.split(/[\s,]+/)
      .filter(Boolean) ?? [];
  return parts.length >= 3 ? `rgba(${parts.slice(0, 3).join(',')},${alpha})` : rgb;
};

export type ChartTone = 'accent' | 'ok' | 'warning' | 'error' | 'muted' | 'p50' | 'p95' | 'p99';
export const toneColour = (tone: ChartTone): string => colour(`--${tone}`);
