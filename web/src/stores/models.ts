import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/api/client';
import { useResource } from '@/api/resource';

export const useModels = defineStore('models', () => {
  const { data, error, refresh } = useResource((signal) => call('listModels', { signal }), { every: 30_000 });
  /** Those that one can talk to: what only makes vectors is left out. */
  const list = computed(() =>
    (data.value?.models ?? []).filter(
      ({ capabilities }) => !capabilities.includes('embedding') || capabilities.includes('completion'),
    ),
  );
  /** Does an engine that serves it say that it sees? Of the default one ('') nothing is known: any that sees. */
  const sees = (name: string) =>
    list.value.some((one) => (name === '' || one.name === name) && one.capabilities.includes('vision'));
  return { list, error, refresh, sees };
});
