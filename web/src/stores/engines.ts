// The engines, looked at every few seconds for the status chip and the pages that show them.
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/api/client';
import { useResource } from '@/api/resource';
import { standingOf, type Engine, type Standing } from '@/lib/engine';

const EVERY_MS = 4000;

export const useEngines = defineStore('engines', () => {
  const { data, error, loading, refresh } = useResource((signal) => call('listEngines', { signal }), {
    every: EVERY_MS,
  });
  const engines = computed<Engine[]>(() => data.value?.engines ?? []);
  const answering = computed(() => {
    const able = engines.value.filter((one) => standingOf(one) === 'ok');
    return able.find((one) => !one.rehearsal) ?? able[0];
  });
  /** Stand-ins are not counted: nobody misses them. */
  const figures = computed(() => {
    const real = engines.value.filter((one) => !one.rehearsal);
    return { up: real.filter((one) => standingOf(one) === 'ok').length, all: real.length };
  });
  /** One look at all of them. */
  const overall = computed<Standing>(() => {
    if (error.value) return error.value.fault === 'offline' ? 'bad' : 'unknown';
    if (!data.value) return 'unknown';
    if (!answering.value)
      return engines.value.some((one) => standingOf(one) === 'unknown') ? 'unknown' : 'bad';
    if (answering.value.rehearsal || engines.value.some((one) => !one.rehearsal && standingOf(one) === 'bad'))
      return 'warning';
    return 'ok';
  });
  return { data, error, loading, refresh, engines, answering, figures, overall };
});
