import { fireEvent, screen } from '@testing-library/vue';
import { expect, test } from 'vitest';
import { defineComponent, h, ref } from 'vue';
import { mount, settle } from '@/lib/testKit';
import AppDialog from './AppDialog.vue';

const Host = defineComponent({
  setup() {
    const open = ref(false);
    return () => [
      h('button', { onClick: () => (open.value = true) }, 'Open'),
      h(
        AppDialog,
        { open: open.value, title: 'Rename', 'onUpdate:open': (now: boolean) => (open.value = now) },
        { default: () => h('input', { 'aria-label': 'Title' }) },
      ),
    ];
  },
});

test('a form begins in its first field, and the focus goes back to what opened it', async () => {
  await mount(Host);
  const opener = screen.getByRole('button', { name: 'Open' });
  opener.focus();
  await fireEvent.click(opener);
  await settle(20);
  expect(document.activeElement).toBe(screen.getByLabelText('Title'));
  await fireEvent.keyDown(screen.getByLabelText('Title'), { key: 'Escape' });
  await settle(20);
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(document.activeElement).toBe(opener);
});
