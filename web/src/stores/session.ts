// Who is here, what they may do, and whether there is a store at all.
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { asApiError, call, onApiError, setCsrf, type ApiError } from '@/api/client';
import type { Credentials, Permission, Session, Setup } from '@/api/schema';

export const useSession = defineStore('session', () => {
  const session = shallowRef<Session>();
  const error = shallowRef<ApiError>();
  const signedOut = ref(false); // by the server, in the middle of something
  const needsKey = ref(false); // no store, but a gateway with keys

  const person = computed(() => session.value?.person ?? null);
  /** 'none': a plain gateway, without people, conversations and documents. */
  const store = computed(() => session.value?.store.state ?? 'off');
  const hasStore = computed(() => store.value !== 'off');
  const mustSignIn = computed(() => hasStore.value && !person.value);

  function may(permission: Permission): boolean {
    if (session.value === undefined) return false;
    if (!hasStore.value) return ['engines', 'models', 'traffic', 'metrics'].includes(permission);
    return session.value.permissions.includes(permission);
  }
  function take(value: Session) {
    session.value = value;
    signedOut.value = false;
    setCsrf(value.csrf);
  }
  async function load() {
    try {
      take(await call('getSession'));
      error.value = undefined;
    } catch (reason) {
      const failed = asApiError(reason);
      // An older or a store-less Segue has no session at all: the page is the gateway's alone.
      if (failed.fault === 'no_store' || failed.status === 404) {
        take({
          person: null,
          permissions: [],
          csrf: '',
          setup_needed: false,
          sign_in: [],
          oidc_name: null,
          store: { state: 'off', detail: null },
        });
        error.value = undefined;
      } else {
        error.value = failed;
      }
    }
  }
  async function signIn(credentials: Credentials) {
    take(await call('signIn', { body: credentials }));
  }
  async function setUp(setup: Setup) {
    take(await call('setUp', { body: setup }));
  }
  async function signOut(where: 'here' | 'everywhere') {
    await call(where === 'here' ? 'signOut' : 'signOutEverywhere');
    await load();
  }
  onApiError((failed) => {
    if (failed.fault !== 'signed_out') return;
    if (person.value) signedOut.value = true;
    else if (!hasStore.value) needsKey.value = true;
  });
  return {
    session,
    error,
    person,
    store,
    hasStore,
    mustSignIn,
    signedOut,
    needsKey,
    may,
    load,
    signIn,
    setUp,
    signOut,
  };
});
