import { Check } from 'lucide-react';
import { ListBox, ListBoxItem } from 'react-aria-components';

import type { Dataset } from '@/lib/api/types';

interface KeyPickerProps {
  dataset: Dataset;
  /** Column ids. */
  value: readonly string[];
  onChange: (value: string[]) => void;
  isDisabled?: boolean;
}

/** Names that a key usually has. */
const USUAL = /^(id|key|code|sku|number|no|nr|uuid)$/i;

/** The column that a file's rows are most likely found again by. */
export function usualKey(dataset: Dataset): string[] {
  const column = dataset.columns.find(({ name, type }) => type !== 'json' && USUAL.test(name.trim()));
  return column ? [column.id] : [];
}

/** By which columns a row of the file is the same as one of the dataset. */
export function KeyPicker({ dataset, value, onChange, isDisabled = false }: KeyPickerProps) {
  const columns = dataset.columns.filter(({ type }) => type !== 'json');
  return (
    <div className="field">
      <span className="field-label">Key: rows with the same value here are the same row</span>
      <ListBox
        className="picker picker-list"
        aria-label="Key columns"
        selectionMode="multiple"
        selectionBehavior="toggle"
        selectedKeys={value}
        onSelectionChange={(keys) => onChange(columns.map(({ id }) => id).filter((id) => keys === 'all' || keys.has(id)))}
        items={columns}
        disabledKeys={isDisabled ? columns.map(({ id }) => id) : []}
      >
        {(column) => (
          <ListBoxItem id={column.id} textValue={column.name} className="menu-item">
            {({ isSelected }) => (
              <>
                <Check size={16} aria-hidden style={{ visibility: isSelected ? 'visible' : 'hidden' }} />
                <span className="cut grow">{column.name}</span>
                <span className="small faint">{column.type}</span>
              </>
            )}
          </ListBoxItem>
        )}
      </ListBox>
    </div>
  );
}
