import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import './base.css';
import { i18n, useLanguage, wantedLanguage } from './i18n';
import { router } from './router';

// The language comes before the first view, so that no text changes under the reader; English if its file cannot be had.
useLanguage(wantedLanguage())
  .catch(() => useLanguage('en'))
  .then(() => createApp(App).use(createPinia()).use(i18n).use(router).mount('#app'));
