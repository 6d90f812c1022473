import type { Role } from '@/api/schema';

/** In the order in which a list offers them. */
export const ROLES: readonly Role[] = ['admin', 'main', 'writer', 'reader', 'debug', 'documentation', 'user'];
