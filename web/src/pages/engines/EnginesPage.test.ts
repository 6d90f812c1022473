import { screen } from '@testing-library/vue';
import { afterEach, expect, test, vi } from 'vitest';
import { mount, problem, SESSION, settle, stubApi } from '@/lib/testKit';
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
