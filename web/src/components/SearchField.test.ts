import { fireEvent, screen } from '@testing-library/vue';
import { expect, test } from 'vitest';
import { frame } from '@/frame/frame';
import { mount } from '@/lib/testKit';
import SearchField from './SearchField.vue';

const props = { label: 'Filter by name', modelValue: 'vpn' };
const field = () => screen.getByRole<HTMLInputElement>('searchbox', { name: 'Filter by name' });

test('Esc empties it, then leaves it', async () => {
  const view = await mount(SearchField, { props });
  field().focus();
  await fireEvent.keyDown(field(), { key: 'Escape' });
  expect(view.emitted('update:modelValue')).toEqual([['']]);
  await view.rerender({ modelValue: '' });
  expect(document.activeElement).toBe(field());
  await fireEvent.keyDown(field(), { key: 'Escape' });
  expect(document.activeElement).toBe(document.body);
});

test('there is something to clear only where something stands', async () => {
  const view = await mount(SearchField, { props });
  await fireEvent.click(screen.getByRole('button', { name: 'Clear' }));
  expect(view.emitted('update:modelValue')).toEqual([['']]);
  expect(document.activeElement).toBe(field());
  await view.rerender({ modelValue: '' });
  expect(screen.queryByRole('button', { name: 'Clear' })).toBeNull();
});

test("the page's main field is where / goes, as long as it is there", async () => {
  const view = await mount(SearchField, { props: { ...props, main: true } });
  expect(frame.searchField).toBe(field());
  view.unmount();
  expect(frame.searchField).toBeUndefined();
});
