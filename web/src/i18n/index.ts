// English is in the first load; another language comes when it is chosen.
import { createI18n } from 'vue-i18n';
import en from './en.json';

export const LANGUAGES = { en: 'English', de: 'Deutsch', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

export const i18n = createI18n({
  legacy: false,
  locale: 'en' as string,
  fallbackLocale: 'en',
  missingWarn: false,
  fallbackWarn: false,
  messages: { en } as Record<string, typeof en>,
});

const loaders: Partial<Record<Language, () => Promise<{ default: typeof en }>>> = {
  de: () => import('./de.json'),
  zh: () => import('./zh.json'),
};

export function isLanguage(value: string | null | undefined): value is Language {
  return value != null && Object.hasOwn(LANGUAGES, value);
}

/** What was chosen here, else the browser's, else English. */
export function wantedLanguage(): Language {
  const chosen = localStorage.getItem('segue.language');
  if (isLanguage(chosen)) return chosen;
  for (const tag of navigator.languages) {
    const short = tag.slice(0, 2).toLowerCase();
    if (isLanguage(short)) return short;
  }
  return 'en';
}

export async function useLanguage(language: Language) {
  const loader = loaders[language];
  if (loader && !i18n.global.availableLocales.includes(language))
    i18n.global.setLocaleMessage(language, (await loader()).default);
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
}

export function chooseLanguage(language: Language) {
  localStorage.setItem('segue.language', language);
  return useLanguage(language);
}
