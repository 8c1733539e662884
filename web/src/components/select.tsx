import { ChevronDown } from 'lucide-react';
import { Autocomplete, Button, Input, Label, ListBox, ListBoxItem, Popover, SearchField, Select as AriaSelect, SelectValue, useFilter } from 'react-aria-components';

import './select.css';

export interface Option {
  id: string;
  name: string;
  /** Beside the name: a column's type. */
  note?: string;
}

interface SelectProps {
  label: string;
  /** Says the label to readers only, where the place says it to the eye. */
  bare?: boolean;
  options: readonly Option[];
  value: string | null;
  onChange: (id: string) => void;
  placeholder?: string;
}

/** From this many options on there is a field to find one by its name. */
const SEARCHED = 10;

function Options({ options }: { options: readonly Option[] }) {
  return (
    <ListBox className="menu select-list" items={options} renderEmptyState={() => <p className="select-empty">Nothing has this name.</p>}>
      {(option) => (
        <ListBoxItem id={option.id} textValue={option.name} className="menu-item">
          <span className="cut grow">{option.name}</span>
          {option.note ? <span className="small faint">{option.note}</span> : null}
        </ListBoxItem>
      )}
    </ListBox>
  );
}

export function Select({ label, bare = false, options, value, onChange, placeholder = 'Choose' }: SelectProps) {
  const { contains } = useFilter({ sensitivity: 'base' });
  return (
    <AriaSelect
      className="field select"
      value={value}
      onChange={(key) => {
        if (key !== null) onChange(String(key));
      }}
      placeholder={placeholder}
      {...(bare ? { 'aria-label': label } : {})}
    >
      {bare ? null : <Label className="field-label">{label}</Label>}
      <Button className="input select-button">
        <SelectValue className="cut grow">{({ selectedText }) => selectedText || placeholder}</SelectValue>
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
