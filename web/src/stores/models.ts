import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/api/client';
import { useResource } from '@/api/resource';
import { useEngines } from './engines';

export const useModels = defineStore('models', () => {
  const { data, error, refresh } = useResource((signal) => call('listModels', { signal }), { every: 30_000 });
  const engines = useEngines();
  const list = computed(() => data.value?.models ?? []);
  /** Does an engine that serves it say that it sees? Of the default one ('') nothing is known: any that sees. */
  function sees(name: string): boolean {
    const targets = list.value
      .filter((one) => name === '' || one.name === name)
      .flatMap((one) => one.targets);
    return targets.some((target) =>
      engines.engines.some(
        (engine) =>
          engine.name === target.engine &&
          engine.models.some(
            (model) => model.name === target.model && model.capabilities?.includes('vision'),
          ),
      ),
    );
  }
  return { list, error, refresh, sees };
});
