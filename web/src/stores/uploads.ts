// Files on their way into a collection: a few at a time, each with its progress and its reason where it was refused.
import { defineStore } from 'pinia';
import { computed, shallowReactive, shallowRef } from 'vue';
import { addressOf, ApiError, headersFor, tell } from '@/api/client';
import { i18n } from '@/i18n';
import type { Dropped } from '@/pages/documents/uploads';

export interface Upload {
  path: string;
  size: number;
  sent: number;
  state: 'waiting' | 'sending' | 'done' | 'failed';
  problem: string;
  again: () => void;
}

const AT_ONCE = 3;

/** XMLHttpRequest, because fetch does not tell how much was sent. */
function put(address: string, file: File, onProgress: (sent: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', address);
    for (const [name, value] of Object.entries(headersFor('POST'))) request.setRequestHeader(name, value);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onerror = () => reject(tell(new ApiError('offline', 0, '', i18n.global.t('state.offline'))));
    request.onload = () => {
      if (request.status < 300) return resolve();
      let detail = request.statusText;
      try {
        detail = (JSON.parse(request.responseText) as { detail?: string }).detail ?? detail;
      } catch {
        // the status says what there is to say
      }
      reject(
        tell(new ApiError(request.status === 401 ? 'signed_out' : 'refused', request.status, '', detail)),
      );
    };
    request.send(file);
  });
}

export const useUploads = defineStore('uploads', () => {
  const list = shallowRef<Upload[]>([]);
  const active = shallowRef(0);
  const queue: (() => Promise<void>)[] = [];
  const failed = computed(() => list.value.filter((one) => one.state === 'failed'));
  const done = computed(() => list.value.filter((one) => one.state === 'done').length);
  const running = computed(
    () => list.value.filter((one) => one.state === 'waiting' || one.state === 'sending').length,
  );

  async function work() {
    if (active.value >= AT_ONCE) return;
    active.value += 1;
    for (let job = queue.shift(); job; job = queue.shift()) await job();
    active.value -= 1;
  }
  function add(collection: string, files: Dropped[]): Promise<void> {
    if (!running.value) list.value = [];
    const waits = files.map(({ file, path }) => {
      const upload: Upload = shallowReactive({
        path,
        size: file.size,
        sent: 0,
        state: 'waiting',
        problem: '',
        again: () => undefined,
      });
      let finished: () => void = () => undefined;
      const over = new Promise<void>((resolve) => (finished = resolve));
      const job = async () => {
        upload.state = 'sending';
        upload.sent = 0;
        try {
          await put(
            addressOf('addDocument', { path: { collection }, query: { path } }),
            file,
            (sent) => (upload.sent = sent),
          );
          upload.state = 'done';
        } catch (reason) {
          upload.state = 'failed';
          upload.problem = reason instanceof Error ? reason.message : String(reason);
        }
        finished();
      };
      upload.again = () => {
        upload.state = 'waiting';
        queue.push(job);
        void work();
      };
      queue.push(job);
      list.value = [...list.value, upload];
      return over;
    });
    for (let at = 0; at < AT_ONCE; at += 1) void work();
    return Promise.all(waits).then(() => undefined);
  }
  function clear() {
    list.value = list.value.filter((one) => one.state === 'waiting' || one.state === 'sending');
  }
  return { list, failed, done, running, add, clear };
});
