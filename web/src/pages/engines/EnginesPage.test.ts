import { fireEvent, screen, within } from '@testing-library/vue';
import { afterEach, expect, test, vi } from 'vitest';
import { mount, problem, SESSION, settle, stubApi } from '@/lib/testKit';
import { useSession } from '@/stores/session';
import EnginesPage from './EnginesPage.vue';

afterEach(() => vi.unstubAllGlobals());
const down = {
  name: 'gpu-1',
  url: 'http://10.0.0.5:8000',
  dialect: 'openai',
  kind: 'vllm',
  version: '',
  state: 'down',
  rehearsal: false,
  drained: false,
  models: [],
  problem: 'cannot reach http://10.0.0.5:8000 (connection refused)',
};
const stand = {
  ...down,
  name: 'rehearsal',
  state: 'up',
  rehearsal: true,
  problem: null,
  models: [{ name: 'rehearsal', max_model_len: 8192 }],
};

test('each engine says in words how it stands', async () => {
  stubApi({ 'GET /segue/v1/session': SESSION, 'GET /segue/v1/engines': { engines: [down, stand] } });
  await mount(EnginesPage);
  await settle(20);
  expect(screen.getByRole('article', { name: 'gpu-1' }).textContent).toContain(
    'Does not answer: cannot reach http://10.0.0.5:8000',
  );
  expect(screen.getByText(/No real engine answers/)).toBeTruthy();
  expect(screen.getByText('8,192 tokens')).toBeTruthy();
});
test('draining asks once, says what will happen, and what nobody else serves', async () => {
  const one = { ...stand, name: 'gpu-1', rehearsal: false, in_flight: 3 };
  const calls = stubApi({
    'GET /segue/v1/session': { ...SESSION, permissions: [...SESSION.permissions, 'engines.manage'] },
    'GET /segue/v1/engines': { engines: [one] },
    'POST /segue/v1/engines/gpu-1/drain': { ...one, drained: true },
  });
  await mount(EnginesPage);
  await useSession().load();
  await settle(20);
  await fireEvent.click(screen.getByRole('button', { name: 'Drain' }));
  const dialog = await screen.findByRole('dialog', { name: 'Drain gpu-1?' });
  expect(dialog.textContent).toContain('the 3 under way go on to their end');
  expect(dialog.textContent).toContain('No other engine serves rehearsal');
  await fireEvent.click(within(dialog).getByRole('button', { name: 'Drain' }));
  await settle(20);
  expect(calls.filter((call) => call.method === 'POST').map((call) => call.path)).toEqual([
    '/segue/v1/engines/gpu-1/drain',
  ]);
});
test('who may not, sees the state log alone', async () => {
  stubApi({ 'GET /segue/v1/session': SESSION, 'GET /segue/v1/engines': { engines: [stand] } });
  await mount(EnginesPage);
  await useSession().load();
  await settle(20);
  expect(screen.getByRole('button', { name: 'State log' })).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Drain' })).toBeNull();
});
test('a refusal says why', async () => {
  stubApi({ 'GET /segue/v1/engines': () => problem(503, 'segue is draining; ask again in a moment') });
  await mount(EnginesPage);
  await settle(20);
  expect(screen.getByRole('alert').textContent).toContain('segue is draining');
});
test('nothing configured says how to begin', async () => {
  stubApi({ 'GET /segue/v1/engines': { engines: [] } });
  await mount(EnginesPage);
  await settle(20);
  expect(screen.getByText('No engine is configured')).toBeTruthy();
});
