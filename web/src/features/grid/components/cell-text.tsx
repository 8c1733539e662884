import { cellDisplay } from '@/lib/cells';
import type { ColumnType } from '@/lib/api/types';

/** A value as the grid shows it. Null is a faint dash; an empty text is empty. */
export function CellText({ value, kind }: { value: unknown; kind: ColumnType }) {
  if (value === null) {
    return (
      <span className="null" aria-label="null">
        –
      </span>
    );
  }
  return <span className="text">{cellDisplay(value, kind)}</span>;
}
