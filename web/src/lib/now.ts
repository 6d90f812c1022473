// One clock for everything that shows "3 min ago".
import { ref, type Ref } from 'vue';

const now = ref(Date.now());
let ticking = false;

export function useNow(): Ref<number> {
  if (!ticking) {
    ticking = true;
    setInterval(() => {
      if (!document.hidden) now.value = Date.now();
    }, 10_000);
  }
  return now;
}
