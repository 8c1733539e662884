import { LightSelect } from '@/components/light-select';
import type { SelectOption } from '@/components/select';
import type { ColumnType } from '@/lib/api/types';
import { COLUMN_TYPES, typeMark, typeName } from '@/lib/cells';

import type { LandingColumn } from '../columns';

const FOUND = 'found';
const TYPES: readonly SelectOption<ColumnType | typeof FOUND>[] = COLUMN_TYPES.map((type) => ({ id: type, label: typeName(type), hint: typeMark(type) }));

interface TypeSelectProps {
  landing: LandingColumn;
  /** What somebody said it is; null where it was found. */
  said: ColumnType | null;
  /** `undefined`: as the file's values are. */
  onChange: (type: ColumnType | undefined) => void;
  isDisabled: boolean;
}

export function TypeSelect({ landing: { column }, said, onChange, isDisabled }: TypeSelectProps) {
  return (
    <LightSelect
      label={`Type of ${column.name}`}
      shown={typeName(said ?? column.type)}
      options={() => (said === null ? TYPES : [{ id: FOUND, label: 'As the values are' }, ...TYPES])}
      value={said ?? column.type}
      onChange={(type) => onChange(type === FOUND ? undefined : type)}
      isDisabled={isDisabled}
    />
  );
}
