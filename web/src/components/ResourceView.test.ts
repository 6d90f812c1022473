import { screen } from '@testing-library/vue';
import { expect, test } from 'vitest';
import { h, ref, shallowRef } from 'vue';
import { ApiError } from '@/api/client';
import { mount } from '@/lib/testKit';
import ResourceView from './ResourceView.vue';

const resource = (data: unknown, error?: ApiError) => ({
  data: shallowRef(data),
  error: shallowRef(error),
  loading: ref(false),
  refresh: () => Promise.resolve(),
});
const show = (of: ReturnType<typeof resource>) =>
  mount({
    render: () =>
      h(
        ResourceView,
        { of, failed: 'It cannot be shown', empty: (value: unknown) => (value as string[]).length === 0 },
        { default: () => h('p', 'there'), empty: () => h('p', 'nothing yet') },
      ),
  });

test('a skeleton while it loads', async () => {
  await show(resource(undefined));
  expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy();
});
test('what failed, why, and again', async () => {
  await show(resource(undefined, new ApiError('refused', 500, '', 'the disk is full; make room')));
  expect(screen.getByRole('alert').textContent).toMatch(/It cannot be shown.*the disk is full; make room/s);
  expect(screen.getByRole('button', { name: 'Try again' })).toBeTruthy();
});
test('empty, and there', async () => {
  const first = await show(resource([]));
  expect(screen.getByText('nothing yet')).toBeTruthy();
  first.unmount();
  await show(resource(['x']));
  expect(screen.getByText('there')).toBeTruthy();
});
test('offline: what was known stays, and is called old', async () => {
  await show(resource(['x'], new ApiError('offline', 0, '', '')));
  expect(screen.getByText('there')).toBeTruthy();
  expect(screen.getByText(/this is what was known last/)).toBeTruthy();
});
