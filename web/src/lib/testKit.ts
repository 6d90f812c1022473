// For component tests: a component with what App gives it, and an API that answers from a table.
import { render } from '@testing-library/vue';
import { createPinia } from 'pinia';
import { vi } from 'vitest';
import type { Component } from 'vue';
import { createMemoryHistory, createRouter } from 'vue-router';
import type { Session } from '@/api/schema';
import { i18n } from '@/i18n';

export const PERMISSIONS = [
  'activity',
  'chat',
  'documents',
  'documents.manage',
  'documents.write',
  'engines',
  'keys.manage',
  'models',
  'people',
  'people.manage',
  'settings',
  'signed_in',
  'traffic',
];
export const ADA = {
  id: 'p1',
  login: 'ada',
  name: 'Ada Keller',
  role: 'admin',
  disabled: false,
  must_change_password: false,
  created_at: '2026-01-01T00:00:00Z',
  last_seen_at: null,
} as const;
export const SESSION: Session = {
  person: ADA,
  permissions: PERMISSIONS,
  csrf: 'token-1',
  setup_needed: false,
  sign_in: ['password'],
  oidc_name: null,
  store: { state: 'ready', detail: null },
};

export interface Call {
  method: string;
  path: string;
  body: unknown;
  headers: Headers;
}
type Answer = unknown | ((call: Call) => unknown);

/** "GET /segue/v1/session" → what is answered; a Response passes as it is. */
export function stubApi(table: Record<string, Answer>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal('fetch', async (address: string, init: RequestInit = {}) => {
    const url = new URL(address, 'http://localhost');
    const method = init.method ?? 'GET';
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : init.body;
    const call = { method, path: url.pathname + url.search, body, headers: new Headers(init.headers) };
    calls.push(call);
    const found = table[`${method} ${url.pathname}`];
    if (found === undefined)
      return new Response(JSON.stringify({ status: 501, detail: `${method} ${url.pathname}` }), {
        status: 501,
      });
    const value = typeof found === 'function' ? (found as (call: Call) => unknown)(call) : found;
    if (value instanceof Response) return value;
    return new Response(JSON.stringify(value), { headers: { 'Content-Type': 'application/json' } });
  });
  return calls;
}
export const problem = (status: number, detail: string, more: object = {}) =>
  new Response(JSON.stringify({ type: 'about:blank', title: '', status, detail, ...more }), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  });

export async function mount(
  component: Component,
  options: { props?: Record<string, unknown>; at?: string } = {},
) {
  const names = [
    'chat',
    'documents',
    'document',
    'search',
    'engines',
    'traffic',
    'people',
    'activity',
    'settings',
    'sign-in',
    'shared',
    'setup',
  ];
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      ...names.map((name) => ({
        path: `/${name}/:conversation?/:collection?/:document?/:tab?/:token?`,
        name,
        component: { template: '<p>page</p>' },
      })),
      { path: '/', name: 'home', component: { template: '<p>home</p>' } },
    ],
  });
  await router.push(options.at ?? '/');
  const view = render(component, {
    ...(options.props && { props: options.props }),
    global: { plugins: [createPinia(), i18n, router] },
  });
  return { ...view, router };
}
export const settle = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
