import { ChevronDown } from 'lucide-react';
import { Autocomplete, Button, Input, Label, ListBox, ListBoxItem, Popover, SearchField, Select as AriaSelect, SelectValue, useFilter } from 'react-aria-components';

import './select.css';

export interface SelectOption<K extends string = string> {
  id: K;
  label: string;
  /** In small, behind it. */
  hint?: string;
}

interface SelectProps<K extends string> {
  label: string;
  /** The label is only heard, where the place says it to the eye. */
  quietLabel?: boolean;
  options: readonly SelectOption<K>[];
  value: K | null;
  onChange: (value: K) => void;
  placeholder?: string;
  isDisabled?: boolean;
}

/** From this many options on there is a field to find one by its name. */
export const SEARCHED = 10;

function Options({ options }: { options: readonly SelectOption[] }) {
  return (
    <ListBox className="menu select-list" items={options} renderEmptyState={() => <p className="select-empty">Nothing has this name.</p>}>
      {(option) => (
        <ListBoxItem id={option.id} textValue={option.label} className="menu-item">
          <span className="cut grow">{option.label}</span>
          {option.hint ? <span className="small faint">{option.hint}</span> : null}
        </ListBoxItem>
      )}
    </ListBox>
  );
}

export function Select<K extends string>({ label, quietLabel = false, options, value, onChange, placeholder = 'Choose', isDisabled = false }: SelectProps<K>) {
  const { contains } = useFilter({ sensitivity: 'base' });
  const choose = (key: unknown): void => {
    const option = options.find((other) => other.id === key);
    if (option) onChange(option.id);
  };
  return (
    <AriaSelect className="field select" value={value} onChange={choose} placeholder={placeholder} isDisabled={isDisabled}>
      <Label className={quietLabel ? 'visually-hidden' : 'field-label'}>{label}</Label>
      <Button className="input select-button">
        <SelectValue className="cut grow">{options.find((option) => option.id === value)?.label ?? placeholder}</SelectValue>
        <ChevronDown size={14} aria-hidden />
      </Button>
      <Popover className="popover select-popover">
        {options.length < SEARCHED ? (
          <Options options={options} />
        ) : (
          <Autocomplete filter={contains}>
            <SearchField aria-label={`Search: ${label}`} autoFocus className="select-search">
              <Input className="input" placeholder="Search" />
            </SearchField>
            <Options options={options} />
          </Autocomplete>
        )}
      </Popover>
    </AriaSelect>
  );
}
