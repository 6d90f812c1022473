// A list that comes in pages: the first as a resource, the others when they are asked for.
import { computed, shallowRef } from 'vue';
import { useResource } from './resource';
import { attempt } from '@/lib/toasts';

export interface Page<T> {
  rows: T[];
  next: string | null;
  total?: number;
}

export function usePages<T>(
  read: (after: string | undefined, signal?: AbortSignal) => Promise<Page<T>>,
  options: { now?: boolean } = {},
) {
  const later = shallowRef<T[]>([]);
  const next = shallowRef<string | null>(null);
  const first = useResource(async (signal) => {
    const page = await read(undefined, signal);
    later.value = [];
    next.value = page.next;
    return page;
  }, options);
  const rows = computed(() => [...(first.data.value?.rows ?? []), ...later.value]);

  async function loadMore() {
    const after = next.value;
    if (!after) return;
    await attempt(async () => {
      const page = await read(after);
      if (next.value !== after) return; // the list was asked for anew meanwhile
      later.value = [...later.value, ...page.rows];
      next.value = page.next;
    });
  }
  return { first, rows, next, later, loadMore };
}
