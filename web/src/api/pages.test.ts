import { expect, test } from 'vitest';
import { effectScope } from 'vue';
import { usePages, type Page } from './pages';

function pagesOf<T>(read: (after: string | undefined) => Promise<Page<T>>) {
  const scope = effectScope();
  const list = scope.run(() => usePages(read));
  if (!list) throw new Error('the scope is over');
  return { list, scope };
}
const settled = () => new Promise((done) => setTimeout(done));

test('pages follow each other, and a fresh look begins again', async () => {
  const asked: (string | undefined)[] = [];
  const { list, scope } = pagesOf<number>(async (after) => {
    asked.push(after);
    const at = Number(after ?? 0);
    return { rows: [at, at + 1], next: at < 4 ? String(at + 2) : null, total: 6 };
  });
  await settled();
  expect(list.rows.value).toEqual([0, 1]);
  await list.loadMore();
  await list.loadMore();
  expect(list.rows.value).toEqual([0, 1, 2, 3, 4, 5]);
  expect(list.next.value).toBeNull();
  await list.loadMore();
  expect(asked).toEqual([undefined, '2', '4']);
  await list.first.refresh();
  expect(list.rows.value).toEqual([0, 1]);
  scope.stop();
});

test('a page that comes after the list began anew is not hung on', async () => {
  let answer: ((value: { rows: string[]; next: null }) => void) | undefined;
  const { list, scope } = pagesOf<string>((after) =>
    after
      ? new Promise((done) => (answer = done))
      : Promise.resolve({ rows: ['new'], next: answer ? null : 'old' }),
  );
  await settled();
  const late = list.loadMore();
  await list.first.refresh();
  answer?.({ rows: ['stale'], next: null });
  await late;
  expect(list.rows.value).toEqual(['new']);
  scope.stop();
});
