// Short words about what was just done; said to screen readers too (frame/ToastList.vue).
import { ref } from 'vue';
import { asApiError, isAborted } from '@/api/client';
import { i18n } from '@/i18n';

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { name: string; run: () => unknown } | undefined;
}
export const toasts = ref<Toast[]>([]);
let last = 0;

export function dismiss(id: number) {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}
export function say(text: string, action?: Toast['action']) {
  const id = (last += 1);
  toasts.value = [...toasts.value.slice(-3), { id, text, bad: false, action }];
  setTimeout(() => dismiss(id), action ? 8000 : 4000);
}
/** An error stays until it was read. */
export function sayError(reason: unknown) {
  if (isAborted(reason)) return;
  const error = asApiError(reason);
  const text =
    error.fault === 'offline'
      ? i18n.global.t('state.offline')
      : error.detail || error.title || String(error.status);
  const id = (last += 1);
  toasts.value = [...toasts.value.slice(-3), { id, text, bad: true }];
}
/** Runs what may fail; the failure is told. True: it went well. */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (reason) {
    sayError(reason);
    return false;
  }
}
