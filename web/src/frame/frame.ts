// What pages and frame tell each other.
import { shallowReactive } from 'vue';
import { router } from '@/router';

export const frame = shallowReactive({
  /** The drawer under 900 px. */
  railOpen: false,
  /** The search field of the page that is shown; without one `/` goes to the search page. */
  searchField: undefined as HTMLElement | undefined,
  focusSearch() {
    if (frame.searchField?.isConnected) frame.searchField.focus();
    else void router.push({ name: 'search' });
  },
});
