// What every component test starts with.
import { afterEach } from 'vitest';

afterEach(() => {
  document.body.replaceChildren();
  localStorage.clear();
});
