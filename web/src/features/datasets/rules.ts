// Rules of a column as they are typed and read.
import type { Column, Rules } from '@/lib/api/types';

export interface RulesDraft {
  required: boolean;
  unique: boolean;
  min: string;
  max: string;
  pattern: string;
  /** A value per line. */
  oneOf: string;
}

export const draftOf = (rules: Rules | undefined): RulesDraft => ({
  required: rules?.required ?? false,
  unique: rules?.unique ?? false,
  min: rules?.min ?? '',
  max: rules?.max ?? '',
  pattern: rules?.pattern ?? '',
  oneOf: rules?.one_of?.join('\n') ?? '',
});

export function rulesOf({ required, unique, min, max, pattern, oneOf }: RulesDraft): Rules {
  const values = oneOf.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const given = (text: string): string | null => (text === '' ? null : text);
  return { required, unique, min: given(min.trim()), max: given(max.trim()), pattern: given(pattern), one_of: values.length === 0 ? null : [...new Set(values)] };
}

/** Which rules a column of this type can have. */
export const canBeUnique = ({ type }: Column): boolean => type !== 'float' && type !== 'json';
export const hasRange = ({ type }: Column): boolean => !['text', 'json', 'boolean'].includes(type);
export const hasPattern = ({ type }: Column): boolean => type === 'text';
export const hasList = ({ type }: Column): boolean => type !== 'json' && type !== 'boolean';

/** "required · 1 to 500"; null when nothing is asked. */
export function rulesInWords(rules: Partial<Rules> | undefined): string | null {
  if (!rules) return null;
  const { required, unique, min, max, pattern, one_of: oneOf } = rules;
  const range = min != null && max != null ? `${min} to ${max}` : min != null ? `${min} or more` : max != null ? `${max} or less` : null;
  const list = oneOf == null ? null : `one of ${oneOf.slice(0, 3).join(', ')}${oneOf.length > 3 ? ` and ${oneOf.length - 3} more` : ''}`;
  const words = [required ? 'required' : null, unique ? 'unique' : null, range, pattern == null ? null : `matches ${pattern}`, list].filter((word) => word !== null);
  return words.length === 0 ? null : words.join(' · ');
}
