// What the API tells of the traffic, as lines of charts.
import type { Traffic, TrafficPoint } from '@/api/schema';

export interface Line {
  /** Key of its name: traffic.line.* */
  name: string;
  /** The token of its colour. */
  colour: string;
  xs: number[];
  ys: (number | null)[];
}
export interface ChartSpec {
  key: 'requests' | 'firstToken' | 'total' | 'tokens';
  unit: 'count' | 'ms' | 'perSecond';
  lines: Line[];
  /** How many were measured at that point, where it is a percentile. */
  count?: (at: number) => number;
}

const NOTHING = { p50: null, p95: null, p99: null, count: 0 };

/** A point for each step of the window: where nothing was asked there were no requests, and nothing was measured. */
export function filled(traffic: Traffic, points: readonly TrafficPoint[]): TrafficPoint[] {
  const first = points[0];
  const step = traffic.step_s * 1000;
  if (!first || !(step > 0)) return [...points];
  const known = new Map(points.map((one) => [new Date(one.at).getTime(), one]));
  const from = new Date(traffic.from).getTime();
  const until = new Date(traffic.until).getTime();
  const all: TrafficPoint[] = [];
  let at = new Date(first.at).getTime();
  at -= Math.floor((at - from) / step) * step; // the steps of the server, back to where the window begins
  for (; at <= until; at += step)
    all.push(
      known.get(at) ?? {
        at: new Date(at).toISOString(),
        requests: 0,
        errors: 0,
        first_token_ms: NOTHING,
        total_ms: NOTHING,
        tokens_per_second: null,
        tokens_in: 0,
        tokens_out: 0,
      },
    );
  return all;
}

/** Where a line would be a point alone: drawn as a dot, or nobody would see it. */
export const alone = (ys: readonly (number | null | undefined)[]): number[] =>
  ys.flatMap((y, at) => (y != null && ys[at - 1] == null && ys[at + 1] == null ? [at] : []));

/** Gaps are gaps: what was not measured is null, never zero. */
export function seriesOf(
  name: string,
  colour: string,
  points: TrafficPoint[],
  value: (point: TrafficPoint) => number | null,
): Line {
  return { name, colour, xs: points.map((one) => new Date(one.at).getTime() / 1000), ys: points.map(value) };
}

/** New points replace those of the same time and follow the others; what left the window goes. */
export function merge(old: Traffic, fresh: Traffic): Traffic {
  const from =
    new Date(fresh.until).getTime() - (new Date(old.until).getTime() - new Date(old.from).getTime());
  const series = old.series.map((one) => {
    const news = fresh.series.find((other) => other.model === one.model && other.engine === one.engine);
    if (!news) return one;
    const times = new Set(news.points.map((point) => point.at));
    const points = [...one.points.filter((point) => !times.has(point.at)), ...news.points]
      .filter((point) => new Date(point.at).getTime() >= from)
      .sort((a, b) => a.at.localeCompare(b.at));
    return { ...one, points, summary: news.points.length >= one.points.length ? news.summary : one.summary };
  });
  const known = new Set(old.marks.map((mark) => mark.at + mark.text));
  const marks = [...old.marks, ...fresh.marks.filter((mark) => !known.has(mark.at + mark.text))];
  return { ...old, from: new Date(from).toISOString(), until: fresh.until, series, marks };
}
