// The state of an engine in words: what, since when, why, and what happens next.
import { useI18n } from 'vue-i18n';
import { causeOf, type Engine } from '@/lib/engine';
import { count, span } from '@/lib/format';

export function useWhy() {
  const { t } = useI18n();
  return (engine: Engine): string => {
    const cause = causeOf(engine);
    const breaker = engine.breaker;
    if (cause === 'ejected')
      return t('engines.why.ejected', {
        reason: breaker?.reason ?? '',
        since: span(breaker?.in_state_ms ?? 0),
        next: span(breaker?.next_trial_in_ms ?? 0),
      });
    if (cause === 'trial') return t('engines.why.trial', { reason: breaker?.reason ?? '' });
    if (cause === 'drained' && engine.in_flight)
      return t('engines.why.draining', { n: count(engine.in_flight) });
    if (cause === 'down') return t('engines.why.down', { problem: engine.problem ?? '' });
    return t(`engines.why.${cause}`);
  };
}
