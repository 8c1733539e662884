import { useQuery } from '@tanstack/react-query';
import { Copy, Filter, PanelRight } from 'lucide-react';
import type { RefObject } from 'react';
import { Dialog, Popover } from 'react-aria-components';

import { Button } from '@/components/button';
import { Failed, Skeleton } from '@/components/states';
import { api, unwrap } from '@/lib/api/client';
import type { Column } from '@/lib/api/types';
import { cellText, filterValue, isCut, typeName } from '@/lib/cells';
import { count } from '@/lib/format';

export interface OpenCell {
  rowId: string;
  column: Column;
  value: unknown;
}

interface CellPopoverProps {
  cell: OpenCell;
  dataset: string;
  version: number;
  anchor: RefObject<Element | null>;
  onClose: () => void;
  onFilter: (column: string, value: string | number | boolean) => void;
  onOpenRow: (rowId: string) => void;
}

/** The whole of a cell: fetched when the page of rows carried it cut. */
export function CellPopover({ cell, dataset, version, anchor, onClose, onFilter, onOpenRow }: CellPopoverProps) {
  const cut = isCut(cell.value);
  const whole = useQuery({
    queryKey: ['cell', dataset, version, cell.rowId, cell.column.id],
    queryFn: async ({ signal }) => {
      const path = { id: dataset, row_id: cell.rowId, column_id: cell.column.id };
      const answer = await unwrap(api.GET('/api/v1/datasets/{id}/rows/{row_id}/cells/{column_id}', { params: { path, query: { version } }, signal }));
      return answer.value;
    },
    enabled: cut,
    staleTime: Infinity,
  });
  const value = cut ? whole.data : cell.value;
  const text = cellText(value);
  const comparable = cut ? null : filterValue(cell.value);
  return (
    <Popover className="popover" triggerRef={anchor} isOpen onOpenChange={(open) => open || onClose()} placement="bottom start" offset={2}>
      <Dialog className="cell-pop" aria-label={`Cell of ${cell.column.name}`}>
        <div className="row">
          <h3 className="cut grow">{cell.column.name}</h3>
          <span className="badge">{typeName(cell.column.type)}</span>
        </div>
        {cut && whole.isPending ? <Skeleton lines={3} /> : null}
        {cut && whole.isError ? <Failed error={whole.error} what="The cell could not be read" onRetry={() => void whole.refetch()} /> : null}
        {value === null ? <p className="faint">null: the cell holds no value.</p> : null}
        {value === '' ? <p className="faint">An empty text.</p> : null}
        {/* A scroller of its own is reached by the keyboard. */}
        {text !== '' ? <pre tabIndex={0} aria-label="Value">{text}</pre> : null}
        <div className="row small faint">{text.length > 80 ? `${count(Array.from(text).length)} characters` : null}</div>
        <div className="row">
          <Button size="tiny" isDisabled={value === null || value === undefined} onPress={() => void navigator.clipboard.writeText(text)}>
            <Copy size={13} aria-hidden /> Copy
          </Button>
          {comparable !== null ? (
            <Button size="tiny" onPress={() => onFilter(cell.column.id, comparable)}>
              <Filter size={13} aria-hidden /> Show only this value
            </Button>
          ) : null}
          <Button size="tiny" onPress={() => onOpenRow(cell.rowId)}>
            <PanelRight size={13} aria-hidden /> Open row
          </Button>
        </div>
      </Dialog>
    </Popover>
  );
}
