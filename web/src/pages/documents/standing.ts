import type { Document } from '@/api/schema';
import type { Standing } from '@/lib/engine';

const STANDING: Record<Document['state'], Standing> = {
  waiting: 'unknown',
  reading: 'unknown',
  embedding: 'unknown',
  ready: 'ok',
  failed: 'bad',
};
export const standingOfDocument = (one: Document): Standing => STANDING[one.state];
