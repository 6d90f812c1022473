// Numbers and times as the reader's language writes them; never without a unit.
import { i18n } from '@/i18n';

const locale = () => i18n.global.locale.value;
const cache = new Map<string, Intl.NumberFormat>();

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale() + JSON.stringify(options);
  let made = cache.get(key);
  if (!made) cache.set(key, (made = new Intl.NumberFormat(locale(), options)));
  return made;
}

const SPACE = '\u00a0';

export function count(value: number): string {
  return numbers({ maximumFractionDigits: 0 }).format(value);
}
/** Large counts where there is little room: 12.4K. */
export function compact(value: number): string {
  return numbers({ notation: 'compact', maximumFractionDigits: 1 }).format(value);
}
export function decimal(value: number, digits = 1): string {
  return numbers({ maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}
export function percent(share: number): string {
  return numbers({ style: 'percent', maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);
}
/** 0.4 ms, 21 ms, 0.21 s, 12.3 s, 4 min 10 s, 3 h 5 min, 2 d 4 h. */
export function duration(ms: number): string {
  if (ms === 0) return '0' + SPACE + 'ms';
  if (ms < 1) return decimal(ms) + SPACE + 'ms';
  if (ms < 100) return count(ms) + SPACE + 'ms';
  if (ms < 10_000) return decimal(ms / 1000, 2) + SPACE + 's';
  if (ms < 60_000) return decimal(ms / 1000) + SPACE + 's';
  const seconds = Math.round(ms / 1000);
  const two = (a: number, one: string, b: number, other: string) =>
    `${count(a)}${SPACE}${one}` + (b ? `${SPACE}${count(b)}${SPACE}${other}` : '');
  if (seconds < 3600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds < 86_400) return two(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
  return two(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h');
}
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return (unit === 0 || size >= 100 ? count(size) : decimal(size)) + SPACE + (units[unit] ?? '');
}
export function exactTime(at: string | number | Date): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));
}
export function clockTime(at: string | number | Date): string {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
}
/** "Today", "yesterday", then the date with its weekday. */
export function longDay(day: Date, now = Date.now()): string {
  const today = new Date(now).setHours(0, 0, 0, 0);
  const away = Math.round((new Date(day).setHours(0, 0, 0, 0) - today) / 86_400_000);
  if (away === 0 || away === -1) {
    const word = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(away, 'day');
    return word.charAt(0).toLocaleUpperCase(locale()) + word.slice(1);
  }
  const year = new Date(now).getFullYear() === day.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return new Intl.DateTimeFormat(locale(), {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...year,
  }).format(day);
}
/** How long something has been so: whole seconds, minutes, hours; nobody reads 21.0 s. */
export function span(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return seconds < 60 ? count(seconds) + SPACE + 's' : duration(seconds * 1000);
}
export function relativeTime(at: string | number | Date, now = Date.now()): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' });
  const size = Math.abs(seconds);
  if (size < 45) return format.format(0, 'second');
  if (size < 45 * 60) return format.format(Math.round(seconds / 60), 'minute');
  if (size < 22 * 3600) return format.format(Math.round(seconds / 3600), 'hour');
  if (size < 26 * 86_400) return format.format(Math.round(seconds / 86_400), 'day');
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium' }).format(new Date(at));
}
