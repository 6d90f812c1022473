// Every view, filter and position has an address.
import { createRouter, createWebHistory } from 'vue-router';
import type { Permission } from '@/api/schema';
import { i18n } from '@/i18n';
import { useSession } from '@/stores/session';

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the page's title. */
    title: string;
    permission?: Permission;
    /** Needs people, conversations or documents, and so a database. */
    store?: boolean;
    /** For somebody who is not signed in; without the frame. */
    bare?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory('/ui/'),
  routes: [
    { path: '/', redirect: () => (useSession().hasStore ? '/chat' : '/engines') },
    {
      path: '/chat/:conversation?',
      name: 'chat',
      component: () => import('@/pages/chat/ChatPage.vue'),
      meta: { title: 'page.chat', store: true, permission: 'chat' },
    },
    {
      path: '/shared/:token',
      name: 'shared',
      component: () => import('@/pages/chat/SharedPage.vue'),
      meta: { title: 'page.shared', store: true },
    },
    {
      path: '/documents/:collection?',
      name: 'documents',
      component: () => import('@/pages/documents/DocumentsPage.vue'),
      meta: { title: 'page.documents', store: true, permission: 'documents' },
    },
    {
      path: '/document/:document',
      name: 'document',
      component: () => import('@/pages/documents/DocumentPage.vue'),
      meta: { title: 'page.document', store: true, permission: 'documents' },
    },
    {
      path: '/search',
      name: 'search',
      component: () => import('@/pages/search/SearchPage.vue'),
      meta: { title: 'page.search', store: true, permission: 'documents' },
    },
    {
      path: '/engines',
      name: 'engines',
      component: () => import('@/pages/engines/EnginesPage.vue'),
      meta: { title: 'page.engines', permission: 'engines' },
    },
    {
      path: '/traffic',
      name: 'traffic',
      component: () => import('@/pages/traffic/TrafficPage.vue'),
      meta: { title: 'page.traffic', permission: 'traffic' },
    },
    {
      path: '/people/:tab(keys)?',
      name: 'people',
      component: () => import('@/pages/people/PeoplePage.vue'),
      meta: { title: 'page.people', store: true, permission: 'people' },
    },
    {
      path: '/activity',
      name: 'activity',
      component: () => import('@/pages/activity/ActivityPage.vue'),
      meta: { title: 'page.activity', store: true, permission: 'activity' },
    },
    {
      path: '/settings',
      name: 'settings',
      component: () => import('@/pages/settings/SettingsPage.vue'),
      meta: { title: 'page.settings' },
    },
    {
      path: '/sign-in',
      name: 'sign-in',
      component: () => import('@/pages/signin/SignInPage.vue'),
      meta: { title: 'page.signIn', bare: true },
    },
    {
      path: '/setup',
      name: 'setup',
      component: () => import('@/pages/signin/SetupPage.vue'),
      meta: { title: 'page.setup', bare: true },
    },
    ...(import.meta.env.DEV
      ? [
          {
            path: '/tokens',
            component: () => import('@/pages/dev/TokensPage.vue'),
            meta: { title: 'page.tokens' },
          },
        ]
      : []),
    {
      path: '/:rest(.*)*',
      name: 'nowhere',
      component: () => import('@/pages/NowherePage.vue'),
      meta: { title: 'page.nowhere' },
    },
  ],
});

router.beforeEach(async (to) => {
  const session = useSession();
  if (!session.session && !session.error) await session.load();
  if (to.meta.bare || !session.mustSignIn || session.error) return true;
  if (session.session?.setup_needed) return { name: 'setup', query: to.query, hash: to.hash };
  return { name: 'sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } };
});

router.afterEach((to) => {
  document.title = `${i18n.global.t(to.meta.title)} · Segue`;
});

// A file of the release before is gone: the page itself is asked for anew, once.
router.onError((error, to) => {
  if (!/dynamically imported module|module script|Unable to preload/i.test(String(error))) return;
  if (sessionStorage.getItem('segue.reloaded') === to.fullPath) return;
  sessionStorage.setItem('segue.reloaded', to.fullPath);
  location.assign(router.resolve(to.fullPath).href);
});
