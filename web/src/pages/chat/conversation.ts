// One conversation on the screen: the branch that is shown, the answer on its way, and what one can do with them.
import { computed, onScopeDispose, shallowReactive, shallowRef, triggerRef, watch, type Ref } from 'vue';
import { asApiError, call, isAborted, type ApiError } from '@/api/client';
import type { Conversation, ConversationChange, Feedback, Image, Message, Question } from '@/api/schema';
import { followAnswer, type Live } from './live';

export interface Entry {
  message: Message;
  live: Live | null;
}
export interface Draft {
  text: string;
  images: Image[];
  files: string[];
}
export interface Start {
  model: string;
  collections: string[];
  system: string;
}

const PAGE = 100;

export function useConversation(id: Ref<string>, onChange: () => void) {
  const conversation = shallowRef<Conversation>();
  const entries = shallowRef<Entry[]>([]);
  const earlier = shallowRef<string | null>(null);
  const error = shallowRef<ApiError>();
  const loading = shallowRef(false);
  const sending = shallowRef(false);
  const following = new Map<string, () => void>();
  let loaded = '';

  const running = computed(() => entries.value.find((one) => one.live !== null));
  const leaf = computed(() => entries.value.at(-1)?.message ?? null);

  function leaveAll() {
    for (const leave of following.values()) leave();
    following.clear();
  }
  onScopeDispose(leaveAll);

  function entryOf(message: Message): Entry {
    const entry: Entry = shallowReactive({ message, live: null });
    if (message.state !== 'running') return entry;
    const mine = id.value;
    const { live, leave } = followAnswer(message, (over) => {
      following.delete(message.id);
      entry.message = over;
      entry.live = null;
      triggerRef(entries);
      onChange();
      if (mine === id.value) void refreshHead();
    });
    entry.live = live;
    following.set(message.id, leave);
    return entry;
  }
  /** Entries for `messages`; those that are on the screen already stay the same objects. */
  function show(messages: Message[]) {
    const known = new Map(entries.value.map((one) => [one.message.id, one]));
    for (const [one, leave] of following)
      if (!messages.some((message) => message.id === one)) {
        leave();
        following.delete(one);
      }
    entries.value = messages.map((message) => {
      const old = known.get(message.id);
      if (!old || (message.state === 'running') !== (old.live !== null)) return entryOf(message);
      if (!old.live) old.message = message;
      return old;
    });
  }

  async function refreshHead() {
    const wanted = id.value;
    if (!wanted) return;
    const fresh = await call('getConversation', { path: { conversation: wanted } }).catch(() => undefined);
    if (fresh && wanted === id.value) conversation.value = fresh;
  }

  async function load() {
    const wanted = id.value;
    loaded = wanted;
    leaveAll();
    entries.value = [];
    earlier.value = null;
    conversation.value = undefined;
    error.value = undefined;
    if (!wanted) return;
    loading.value = true;
    try {
      const [head, branch] = await Promise.all([
        call('getConversation', { path: { conversation: wanted } }),
        call('listMessages', { path: { conversation: wanted }, query: { limit: PAGE } }),
      ]);
      if (wanted !== id.value) return;
      conversation.value = head;
      earlier.value = branch.earlier;
      show(branch.messages);
    } catch (reason) {
      if (wanted === id.value && !isAborted(reason)) error.value = asApiError(reason);
    } finally {
      if (wanted === id.value) loading.value = false;
    }
  }
  watch(
    id,
    () => {
      if (id.value !== loaded) void load();
    },
    { immediate: true },
  );

  let loadingEarlier = false;
  async function loadEarlier() {
    const before = earlier.value;
    const wanted = id.value;
    if (!before || loadingEarlier) return;
    loadingEarlier = true;
    try {
      const page = await call('listMessages', {
        path: { conversation: wanted },
        query: { before, limit: PAGE },
      });
      if (wanted !== id.value || earlier.value !== before) return;
      earlier.value = page.earlier;
      entries.value = [...page.messages.map(entryOf), ...entries.value];
    } finally {
      loadingEarlier = false;
    }
  }

  /** Makes the conversation where there is none yet; its id. */
  async function ensure(start: Start): Promise<string> {
    if (conversation.value) return conversation.value.id;
    const body = {
      collections: start.collections,
      ...(start.model && { model: start.model }),
      ...(start.system && { system: start.system }),
    };
    conversation.value = await call('createConversation', { body });
    loaded = conversation.value.id;
    return loaded;
  }

  /** `after`: the answer that is asked on; null for a first question; left out: the last one. Throws what is refused. */
  async function ask(conversationId: string, draft: Draft, start: Start, after?: string | null) {
    const parent = after === undefined ? (leaf.value?.id ?? null) : after;
    const body: Question = { parent, text: draft.text, collections: start.collections };
    if (start.model) body.model = start.model;
    if (draft.images.length) body.images = draft.images;
    if (draft.files.length) body.files = draft.files;
    sending.value = true;
    try {
      const { question, answer } = await call('ask', { path: { conversation: conversationId }, body });
      const at = parent === null ? -1 : entries.value.findIndex((one) => one.message.id === parent);
      show([...entries.value.slice(0, at + 1).map((one) => one.message), question, answer]);
      onChange();
    } finally {
      sending.value = false;
    }
  }

  async function stop() {
    const entry = running.value;
    if (!entry?.live || entry.live.stopping) return;
    entry.live.stopping = true;
    try {
      await call('stopAnswer', { path: { message: entry.message.id } });
    } catch (reason) {
      if (entry.live) entry.live.stopping = false;
      throw reason;
    }
  }
  async function regenerate(message: Message, model?: string) {
    const fresh = await call('regenerate', { path: { message: message.id }, body: model ? { model } : {} });
    const at = entries.value.findIndex((one) => one.message.id === message.id);
    show([...entries.value.slice(0, at).map((one) => one.message), fresh]);
    onChange();
  }
  async function goOn(message: Message) {
    const fresh = await call('continueAnswer', { path: { message: message.id } });
    const at = entries.value.findIndex((one) => one.message.id === message.id);
    show([...entries.value.slice(0, at).map((one) => one.message), fresh]);
    onChange();
  }
  /** Shows the branch through that message, and remembers it. */
  async function branch(message: string) {
    const wanted = id.value;
    const page = await call('listMessages', {
      path: { conversation: wanted },
      query: { leaf: message, limit: PAGE },
    });
    if (wanted !== id.value) return;
    earlier.value = page.earlier;
    show(page.messages);
    const last = page.messages.at(-1);
    if (last) await change({ leaf: last.id });
  }
  async function change(body: ConversationChange) {
    conversation.value = await call('changeConversation', { path: { conversation: id.value }, body });
    onChange();
  }
  async function rate(entry: Entry, feedback: Feedback | null) {
    const path = { message: entry.message.id };
    if (feedback) await call('giveFeedback', { path, body: feedback });
    else await call('withdrawFeedback', { path });
    entry.message = { ...entry.message, feedback };
  }

  return {
    ...{ conversation, entries, earlier, error, loading, sending, running, leaf },
    ...{ load, loadEarlier, ensure, ask, stop, regenerate, goOn, branch, change, rate, refreshHead },
  };
}
export type ConversationView = ReturnType<typeof useConversation>;
