// How people are named in small: initials, and "Ben and 2 others".
import type { DatasetGrant } from '@/lib/api/types';

/** "Ada Lovelace" → "AL"; an address gives its first letter. */
export function initials(name: string): string {
  const words = name.replace(/@.*$/, '').split(/[\s._-]+/).filter((word) => word !== '');
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => (word ? (Array.from(word)[0] ?? '') : ''));
  return letters.join('').toUpperCase();
}

/** Who else has it, for the button's name. */
export function sharedWith(grants: readonly DatasetGrant[], me: string | undefined): string {
  const names = grants.filter(({ user }) => user.id !== me).map(({ user }) => user.name);
  const [first, second] = names;
  if (first === undefined) return 'Only you have it';
  if (second === undefined) return `${first} has it too`;
  if (names.length === 2) return `${first} and ${second} have it too`;
  return `${first} and ${names.length - 1} others have it too`;
}
