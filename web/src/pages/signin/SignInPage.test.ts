import { fireEvent, screen } from '@testing-library/vue';
import { afterEach, expect, test, vi } from 'vitest';
import { mount, problem, SESSION, settle, stubApi } from '@/lib/testKit';
import { useSession } from '@/stores/session';
import SignInPage from './SignInPage.vue';

afterEach(() => vi.unstubAllGlobals());
const nobody = { ...SESSION, person: null, permissions: [] };

async function open(at: string, answer: () => unknown) {
  const calls = stubApi({ 'GET /segue/v1/session': nobody, 'POST /segue/v1/session': answer });
  const view = await mount(SignInPage, { at });
  await useSession().load();
  await settle();
  return { calls, view };
}
async function submit() {
  await fireEvent.update(screen.getByLabelText('Login'), ' ada ');
  await fireEvent.update(screen.getByLabelText('Password'), 'correct horse');
  await fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  await settle(20);
}

test('signing in leads to where one wanted to go', async () => {
  const { calls, view } = await open('/sign-in?to=/chat/c1', () => SESSION);
  await submit();
  expect(calls.at(-1)?.body).toEqual({ login: 'ada', password: 'correct horse' });
  expect(calls.at(-1)?.headers.get('Segue-Csrf')).toBe('token-1');
  expect(view.router.currentRoute.value.fullPath).toBe('/chat/c1');
});

test.each(['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:pwned()'])(
  '%s is no place to go to',
  async (to) => {
    const { view } = await open(`/sign-in?to=${encodeURIComponent(to)}`, () => SESSION);
    await submit();
    expect(view.router.currentRoute.value.fullPath).toBe('/');
  },
);

test('a refusal is told, and the password asked for again', async () => {
  await open('/sign-in', () => problem(401, 'login or password is wrong'));
  await submit();
  expect(screen.getByRole('alert').textContent).toContain('login or password is wrong');
  expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('');
});

test('too many attempts tell when to come back', async () => {
  await open('/sign-in', () => problem(429, 'too many', { retry_after_s: 30 }));
  await submit();
  expect(screen.getByRole('alert').textContent).toContain('30.0\u00a0s');
});
