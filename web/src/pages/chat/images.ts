// Pictures that are pasted or dropped: made small enough to travel in a question.
import { ApiError } from '@/api/client';
import type { Image } from '@/api/schema';
import { i18n } from '@/i18n';

const TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;
const LARGEST_SIDE = 2048;
const LARGEST_BYTES = 4_000_000;

export const isImage = (file: File) => (TYPES as readonly string[]).includes(file.type);

async function shrunk(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) =>
    canvas.toBlob((made) => (made ? resolve(made) : reject(new Error(file.name))), 'image/jpeg', 0.88),
  );
}

export async function imageOf(file: File): Promise<Image> {
  let blob: Blob = file;
  try {
    if (file.size > LARGEST_BYTES) blob = await shrunk(file);
  } catch {
    throw new ApiError('refused', 0, '', i18n.global.t('chat.imageBroken', { name: file.name }));
  }
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
  return { media_type: blob.type as Image['media_type'], data: url.slice(url.indexOf(',') + 1) };
}
