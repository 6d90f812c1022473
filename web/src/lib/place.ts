// Where in a document: page, lines.
import { useI18n } from 'vue-i18n';
import { count } from './format';

interface Placed {
  page: number | null;
  first_line: number | null;
  last_line: number | null;
}

export function usePlace() {
  const { t } = useI18n();
  return (one: Placed): string => {
    const parts = [];
    if (one.page !== null) parts.push(t('place.page', { n: count(one.page) }));
    if (one.first_line !== null)
      parts.push(
        one.last_line !== null && one.last_line !== one.first_line
          ? t('place.lines', { from: count(one.first_line), to: count(one.last_line) })
          : t('place.line', { n: count(one.first_line) }),
      );
    return parts.join(' · ');
  };
}
