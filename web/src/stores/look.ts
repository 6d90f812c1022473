// How the page looks on this device: theme, and whether the rail is folded. Kept in the browser.
import { defineStore } from 'pinia';
import { ref, watchEffect } from 'vue';

export type Theme = 'system' | 'light' | 'dark';

export const useLook = defineStore('look', () => {
  const stored = localStorage.getItem('segue.theme');
  const theme = ref<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');
  const railFolded = ref(localStorage.getItem('segue.rail') === 'folded');
  watchEffect(() => {
    if (theme.value === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme.value;
    localStorage.setItem('segue.theme', theme.value);
    localStorage.setItem('segue.rail', railFolded.value ? 'folded' : 'open');
  });
  return { theme, railFolded };
});
