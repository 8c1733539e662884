import { cellDisplay, isCut } from '@/lib/cells';
import type { ColumnType } from '@/lib/api/types';
import { count } from '@/lib/format';

/** A value in a list: null, an empty text and a cut one say what they are. */
export function CellValue({ value, kind }: { value: unknown; kind: ColumnType }) {
  if (value === null || value === undefined) return <span className="no-value">null</span>;
  if (value === '') return <span className="no-value">empty text</span>;
  return (
    <>
      {cellDisplay(value, kind)}
      {isCut(value) ? <span className="no-value"> … {count(value.chars)} characters</span> : null}
    </>
  );
}
