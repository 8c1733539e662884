import { typeName } from '@/lib/cells';
import type { Column } from '@/lib/api/types';

import type { SelectOption } from './select';

/** Columns to choose from, each with its type. */
export const columnOptions = (columns: readonly Column[]): SelectOption[] => columns.map(({ id, name, type }) => ({ id, label: name, hint: typeName(type) }));
