import { fireEvent, screen } from '@testing-library/vue';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defineComponent, h, ref } from 'vue';
import { mount, stubApi } from '@/lib/testKit';
import { toasts } from '@/lib/toasts';
import Composer from './Composer.vue';

const props = {
  running: false,
  stopping: false,
  sending: false,
  keep: 'new',
  takesImages: false,
  upload: () => Promise.reject(new Error()),
  model: '',
  collections: [],
};
beforeEach(() => {
  vi.stubGlobal('CSS', { supports: () => true, escape: (text: string) => text });
  stubApi({
    'GET /segue/v1/models': { models: [] },
    'GET /segue/v1/collections': { collections: [] },
    'GET /segue/v1/engines': { engines: [] },
  });
  sessionStorage.clear();
});
afterEach(() => vi.unstubAllGlobals());
const box = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Question' });

test('Enter sends and empties the box, Shift+Enter does not', async () => {
  const view = await mount(Composer, { props });
  await fireEvent.update(box(), 'How?');
  await fireEvent.keyDown(box(), { key: 'Enter', shiftKey: true });
  expect(view.emitted('send')).toBeUndefined();
  await fireEvent.keyDown(box(), { key: 'Enter' });
  expect(view.emitted('send')).toEqual([['How?', [], []]]);
  expect(box().value).toBe('');
});

test('Enter that ends a composition sends nothing', async () => {
  const view = await mount(Composer, { props });
  await fireEvent.update(box(), '你好');
  await fireEvent.keyDown(box(), { key: 'Enter', isComposing: true });
  expect(view.emitted('send')).toBeUndefined();
});

test('blanks are no question, and nothing is sent while an answer runs', async () => {
  const view = await mount(Composer, { props });
  await fireEvent.update(box(), '  \n ');
  await fireEvent.keyDown(box(), { key: 'Enter' });
  await view.rerender({ running: true });
  await fireEvent.update(box(), 'More?');
  await fireEvent.keyDown(box(), { key: 'Enter' });
  expect(view.emitted('send')).toBeUndefined();
  await fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  expect(view.emitted('stop')).toHaveLength(1);
});

test('an arrow up in the empty box edits the last question', async () => {
  const view = await mount(Composer, { props });
  await fireEvent.keyDown(box(), { key: 'ArrowUp' });
  expect(view.emitted('editLast')).toHaveLength(1);
  await fireEvent.update(box(), 'x');
  await fireEvent.keyDown(box(), { key: 'ArrowUp' });
  expect(view.emitted('editLast')).toHaveLength(1);
});

test('an unsent text stays with its conversation', async () => {
  const view = await mount(Composer, { props });
  await fireEvent.update(box(), 'half a question');
  await view.rerender({ keep: 'c1' });
  expect(box().value).toBe('');
  await view.rerender({ keep: 'new' });
  expect(box().value).toBe('half a question');
});

test('what stands in the box goes along into the conversation that is made for it', async () => {
  let keepsFile: ((file: object) => void) | undefined;
  const composer = ref<{ adopt: (name: string) => void }>();
  const sent: unknown[][] = [];
  const Host = defineComponent({
    props: { keep: { type: String, default: 'new' } },
    setup: (given) => () =>
      h(Composer, {
        ...props,
        keep: given.keep,
        upload: () => new Promise<never>((done) => (keepsFile = done as (file: object) => void)),
        onSend: (...what: unknown[]) => sent.push(what),
        ref: composer as never,
      }),
  });
  const view = await mount(Host);
  await fireEvent.update(box(), 'about this file');
  await fireEvent.drop(box(), { dataTransfer: { files: [new File(['x'], 'budget.md')] } });
  composer.value?.adopt('c1');
  await view.rerender({ keep: 'c1' });
  keepsFile?.({ id: 'f1', name: 'budget.md', type: 'markdown', bytes: 1, problem: null });
  expect(await screen.findByText('budget.md')).toBeTruthy();
  expect(box().value).toBe('about this file');
  await fireEvent.keyDown(box(), { key: 'Enter' });
  expect(sent).toEqual([['about this file', [], ['f1']]]);
});

test('a picture for a model that does not see is refused in words', async () => {
  await mount(Composer, { props: { ...props, model: 'reading' } });
  await fireEvent.drop(box(), {
    dataTransfer: { files: [new File(['x'], 'dot.png', { type: 'image/png' })] },
  });
  expect(toasts.value.at(-1)?.text).toBe('reading takes no pictures; choose a model that does');
});
