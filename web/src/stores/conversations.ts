// One's own conversations, newest first, by pages; looked at again when something changed here, and now and then.
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { asApiError, call, isAborted, type ApiError } from '@/api/client';
import type { ConversationSummary } from '@/api/schema';

const PAGE = 60;
const EVERY_MS = 15_000;

export const useConversations = defineStore('conversations', () => {
  const items = shallowRef<ConversationSummary[]>();
  const next = ref<string | null>(null);
  const error = shallowRef<ApiError>();
  const query = ref('');
  const archived = ref(false);
  let asked = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function refresh() {
    const mine = (asked += 1);
    clearTimeout(timer);
    try {
      const page = await call('listConversations', {
        query: {
          query: query.value.trim(),
          archived: archived.value,
          limit: Math.min(200, Math.max(PAGE, items.value?.length ?? 0)),
        },
      });
      if (mine !== asked) return;
      items.value = page.conversations;
      next.value = page.next;
      error.value = undefined;
    } catch (reason) {
      if (mine === asked && !isAborted(reason)) error.value = asApiError(reason);
    } finally {
      if (mine === asked) timer = setTimeout(() => (document.hidden ? undefined : refresh()), EVERY_MS);
    }
  }
  let more = false;
  async function loadMore() {
    const before = next.value;
    if (!before || more) return;
    more = true;
    try {
      const mine = asked;
      const page = await call('listConversations', {
        query: { query: query.value.trim(), archived: archived.value, limit: PAGE, before },
      });
      if (mine !== asked) return;
      items.value = [...(items.value ?? []), ...page.conversations];
      next.value = page.next;
    } catch (reason) {
      error.value = asApiError(reason);
    } finally {
      more = false;
    }
  }
  watch([query, archived], () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 180);
  });

  type Group = 'pinned' | 'today' | 'yesterday' | 'week' | 'older';
  const groups = computed(() => {
    const midnight = new Date().setHours(0, 0, 0, 0);
    const day = 86_400_000;
    const found = new Map<Group, ConversationSummary[]>();
    const add = (group: Group, one: ConversationSummary) => {
      const list = found.get(group);
      if (list) list.push(one);
      else found.set(group, [one]);
    };
    const all = items.value ?? [];
    for (const one of all) if (one.pinned) add('pinned', one);
    for (const one of all) {
      if (one.pinned) continue;
      const at = new Date(one.updated_at).getTime();
      add(
        at >= midnight
          ? 'today'
          : at >= midnight - day
            ? 'yesterday'
            : at >= midnight - 6 * day
              ? 'week'
              : 'older',
        one,
      );
    }
    return [...found].map(([name, conversations]) => ({ name, conversations }));
  });
  return { items, next, error, query, archived, groups, refresh, loadMore };
});
