// The documents of one collection: filtered, in pages, and looked at often while something is being read.
import { computed, onScopeDispose, ref, watch, type Ref } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { call } from '@/api/client';
import { usePages } from '@/api/pages';
import type { Document } from '@/api/schema';
import { useCollections } from '@/stores/collections';
import { useUploads } from '@/stores/uploads';

const PAGE = 200;
const LOOK_MS = 1500;
const TYPING_MS = 180;

export function useDocuments(collection: Ref<string>) {
  const route = useRoute();
  const router = useRouter();
  const collections = useCollections();
  const uploads = useUploads();
  const query = ref(String(route.query['q'] ?? ''));
  const onlyFailed = ref(route.query['state'] === 'failed');

  const pages = usePages<Document>(
    async (after, signal) => {
      const page = await call('listDocuments', {
        path: { collection: collection.value },
        query: {
          query: query.value.trim(),
          limit: PAGE,
          ...(onlyFailed.value && { state: 'failed' as const }),
          ...(after && { after }),
        },
        ...(signal && { signal }),
      });
      return { rows: page.documents, next: page.next, total: page.total };
    },
    { now: false },
  );
  function refresh() {
    void pages.first.refresh();
    void collections.refresh();
  }

  let typing: ReturnType<typeof setTimeout> | undefined;
  watch([query, onlyFailed], () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      void router.replace({
        query: { ...(query.value && { q: query.value }), ...(onlyFailed.value && { state: 'failed' }) },
      });
      void pages.first.refresh();
    }, TYPING_MS);
  });
  watch(
    collection,
    (now) => {
      pages.first.data.value = undefined;
      if (now) void pages.first.refresh();
    },
    { immediate: true },
  );

  const working = computed(
    () =>
      pages.rows.value.some((one) => one.state !== 'ready' && one.state !== 'failed') || uploads.running > 0,
  );
  const timer = setInterval(() => {
    if (working.value && !document.hidden && !pages.later.value.length) refresh();
  }, LOOK_MS);
  onScopeDispose(() => {
    clearInterval(timer);
    clearTimeout(typing);
  });
  return { ...pages, query, onlyFailed, refresh };
}
