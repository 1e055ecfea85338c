// Line charts as SVG, small enough to read as text. A chart library would bring a document model for twenty elements.

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly lines: readonly Line[];
  /** A stretch of x to shade. */
  readonly shaded?: readonly [from: number, until: number];
  /** Marks every point with its label. */
  readonly labels?: readonly string[];
}

const width = 720;
const height = 320;
const frame = { left: 56, right: 16, top: 64, bottom: 44 };
/** Distinct for colour-blind readers: https://jfly.uni-koeln.de/color/ */
const colours = ['#0072b2', '#d55e00', '#009e73', '#999999'];

export function svg(chart: Chart): string {
  const all = chart.lines.flatMap(({ points }) => points);
  const xs = ticks(Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x)));
  const ys = ticks(0, Math.max(...all.map(([, y]) => y)));
  const x = scale(xs, frame.left, width - frame.right);
  const y = scale(ys, height - frame.bottom, frame.top);
  const at = ([px, py]: readonly [number, number]): string => `${x(px).toFixed(1)},${y(py).toFixed(1)}`;
  const [from, until] = chart.shaded ?? [0, 0];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${chart.title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    chart.shaded
      ? `<rect x="${x(from)}" y="${frame.top}" width="${x(until) - x(from)}" height="${height - frame.top - frame.bottom}" fill="#f3e8e8"/>`
      : '',
    `<text x="${frame.left}" y="20" font-size="15">${chart.title}</text>`,
    ...ys.map(
      (tick) =>
        `<path d="M${frame.left} ${y(tick)}H${width - frame.right}" stroke="#ddd"/>${text(frame.left - 8, y(tick) + 4, tick, 'end')}`,
    ),
    ...xs.map((tick) => text(x(tick), height - frame.bottom + 18, tick, 'middle')),
    text(width - frame.right, height - 8, chart.xTitle, 'end'),
    text(frame.left, frame.top - 10, chart.yTitle, 'start'),
    ...chart.lines.map(({ name, points }, index) => {
      const colour = colours[index % colours.length] as string;
      const legend = `<text x="${width - frame.right - 170 * (chart.lines.length - index - 1)}" y="38" text-anchor="end" fill="${colour}">${name}</text>`;
      return `${legend}<polyline points="${points.map(at).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.8"/>`;
    }),
    ...(chart.labels ?? []).map((label, index) => {
      const [px, py] = all[index] as readonly [number, number];
      return `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colours[0]}"/>${text(x(px) + 6, y(py) - 6, label, 'start')}`;
    }),
    '</svg>\n',
  ]
    .filter((element) => element !== '')
    .join('\n');
}

const text = (x: number, y: number, content: string | number, anchor: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`;

function scale(range: readonly number[], from: number, until: number): (value: number) => number {
  const least = range[0] as number;
  const most = range.at(-1) as number;
  return (value) => from + ((value - least) / (most - least || 1)) * (until - from);
}

/** Five or so round numbers from below `least` to above `most`. */
function ticks(least: number, most: number): number[] {
  const rough = (most - least) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power;
  const found = [];
  for (let index = Math.floor(least / step); index * step < most + step; index += 1) found.push(Number((index * step).toPrecision(6)));
  return found;
}
