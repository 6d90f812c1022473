// What the log says somebody did, as a sentence; a name that this page does not know yet stands as it is.
import type { ActivityEntry } from '@/api/schema';
import { i18n } from '@/i18n';

/** What the list can be limited to: the beginnings of the log's names. */
export const KINDS = [
  'session',
  'person',
  'key',
  'collection',
  'document',
  'conversation',
  'preset',
  'engine',
] as const;
export type Kind = (typeof KINDS)[number];

export function did(entry: ActivityEntry): string {
  const { t, te } = i18n.global;
  if (te(`activity.did.${entry.action}`, 'en'))
    return t(`activity.did.${entry.action}`, { target: entry.target });
  return [entry.action, entry.target].filter(Boolean).join(' · ');
}

/** One group a day, in the reader's time zone, in the order of the entries. */
export function byDay(entries: readonly ActivityEntry[]): { day: Date; entries: ActivityEntry[] }[] {
  const days: { day: Date; entries: ActivityEntry[] }[] = [];
  for (const entry of entries) {
    const day = new Date(entry.at);
    day.setHours(0, 0, 0, 0);
    const last = days.at(-1);
    if (last?.day.getTime() === day.getTime()) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}
