import { fireEvent, screen } from '@testing-library/vue';
import { afterEach, expect, test, vi } from 'vitest';
import type { Conversation, Share } from '@/api/schema';
import { mount, problem, settle, stubApi } from '@/lib/testKit';
import ShareDialog from './ShareDialog.vue';

afterEach(() => vi.unstubAllGlobals());
const share = (more: Partial<Share> = {}): Share => ({
  token: 'abc',
  audience: 'company',
  people: [],
  created_at: '2026-11-24T12:00:00Z',
  ...more,
});
const conversation = (given: Share | null) => ({ id: 'c1', share: given }) as Conversation;
const dialog = (given: Share | null) =>
  mount(ShareDialog, { props: { open: true, conversation: conversation(given) } });
const PATH = '/segue/v1/conversations/c1/share';

test('a link for everybody', async () => {
  const calls = stubApi({ [`PUT ${PATH}`]: share() });
  const view = await dialog(null);
  await fireEvent.click(screen.getByRole('button', { name: 'Make a link' }));
  await settle(5);
  expect(calls[0]?.body).toEqual({ audience: 'company' });
  expect(view.emitted('change')).toHaveLength(1);
  await view.rerender({ conversation: conversation(share()) });
  expect(screen.getByText(/\/shared\/abc/)).toBeTruthy();
});

test('a changed choice hides the link until it is in force', async () => {
  const calls = stubApi({ [`PUT ${PATH}`]: share({ audience: 'people', people: ['bo', 'eve'] }) });
  await dialog(share());
  await fireEvent.click(screen.getByText('Named people'));
  expect(screen.queryByText(/\/shared\/abc/)).toBeNull();
  await fireEvent.update(screen.getByLabelText('Logins'), 'bo, eve');
  await fireEvent.click(screen.getByRole('button', { name: 'Change' }));
  await settle(5);
  expect(calls[0]?.body).toEqual({ audience: 'people', people: ['bo', 'eve'] });
});

test('a login that nobody has is said at the field', async () => {
  stubApi({ [`PUT ${PATH}`]: () => problem(400, 'nobody here signs in as zoe') });
  await dialog(null);
  await fireEvent.click(screen.getByText('Named people'));
  await fireEvent.update(screen.getByLabelText('Logins'), 'zoe');
  await fireEvent.click(screen.getByRole('button', { name: 'Make a link' }));
  await settle(5);
  expect(screen.getByText('nobody here signs in as zoe')).toBeTruthy();
  expect(screen.getByLabelText('Logins').getAttribute('aria-invalid')).toBe('true');
});

test('those who may read it stand there', async () => {
  stubApi({});
  await dialog(share({ audience: 'people', people: ['bo', 'eve'] }));
  expect(screen.getByLabelText<HTMLInputElement>('Logins').value).toBe('bo, eve');
  expect(screen.getByText(/\/shared\/abc/)).toBeTruthy();
});
