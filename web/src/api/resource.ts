// What a page shows of one thing on the server: loading, there, failed, and old because the network is gone.
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { asApiError, isAborted, type ApiError } from './client';

export interface Resource<T> {
  data: ShallowRef<T | undefined>;
  error: ShallowRef<ApiError | undefined>;
  loading: Ref<boolean>;
  /** Asks anew; what is shown stays until the answer is there. */
  refresh: () => Promise<void>;
}

interface Options {
  /** Milliseconds between two looks; none while the page is hidden. */
  every?: number;
  now?: boolean;
}

export function useResource<T>(
  read: (signal: AbortSignal) => Promise<T>,
  options: Options = {},
): Resource<T> {
  const data = shallowRef<T>();
  const error = shallowRef<ApiError>();
  const loading = ref(false);
  let running: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function refresh() {
    running?.abort();
    const mine = (running = new AbortController());
    clearTimeout(timer);
    loading.value = true;
    try {
      const value = await read(mine.signal);
      if (mine.signal.aborted) return;
      data.value = value;
      error.value = undefined;
    } catch (reason) {
      if (mine.signal.aborted || isAborted(reason)) return;
      error.value = asApiError(reason);
    } finally {
      if (running === mine) {
        loading.value = false;
        if (options.every && !document.hidden) timer = setTimeout(refresh, options.every);
      }
    }
  }
  function wake() {
    if (!document.hidden && options.every) void refresh();
    else clearTimeout(timer);
  }
  document.addEventListener('visibilitychange', wake);
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', wake);
    clearTimeout(timer);
    running?.abort();
    running = undefined;
  });
  if (options.now !== false) void refresh();
  return { data, error, loading, refresh };
}
