import { cellDisplay } from '@/lib/cells';
import type { ColumnType } from '@/lib/api/types';

/** A value of a comparison. Null is a dash and an empty text is empty, as in the grid. */
export function DiffValue({ value, kind }: { value: unknown; kind: ColumnType }) {
  if (value === null || value === undefined) return <span className="null">–<span className="visually-hidden"> null</span></span>;
  return <>{cellDisplay(value, kind)}</>;
}
