// The pages of the rail, in its order. Later ones (rollout, GPU, certificates, board) go into the second group.
import type { IconName } from '@/components/icons';
import type { Permission } from '@/api/schema';

export interface Page {
  name: 'chat' | 'documents' | 'search' | 'engines' | 'traffic' | 'people' | 'activity' | 'settings';
  icon: IconName;
  /** Without it nobody needs a right. */
  permission?: Permission;
  key: string;
}

export const PAGE_GROUPS: readonly (readonly Page[])[] = [
  [
    { name: 'chat', icon: 'chat', permission: 'chat', key: 'g c' },
    { name: 'documents', icon: 'documents', permission: 'documents', key: 'g d' },
    { name: 'search', icon: 'search', permission: 'documents', key: 'g s' },
  ],
  [
    { name: 'engines', icon: 'engines', permission: 'engines', key: 'g e' },
    { name: 'traffic', icon: 'traffic', permission: 'traffic', key: 'g t' },
  ],
  [
    { name: 'people', icon: 'people', permission: 'people', key: 'g p' },
    { name: 'activity', icon: 'activity', permission: 'activity', key: 'g a' },
    { name: 'settings', icon: 'settings', key: 'g ,' },
  ],
];
export const PAGES = PAGE_GROUPS.flat();
