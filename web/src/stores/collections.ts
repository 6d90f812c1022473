import { defineStore } from 'pinia';
import { computed, markRaw } from 'vue';
import { call } from '@/api/client';
import { useResource } from '@/api/resource';

export const useCollections = defineStore('collections', () => {
  const resource = useResource((signal) => call('listCollections', { signal }), { every: 20_000 });
  const list = computed(() => resource.data.value?.collections ?? []);
  const nameOf = (id: string) => list.value.find((one) => one.id === id)?.name ?? id;
  return { resource: markRaw(resource), refresh: resource.refresh, list, nameOf };
});
