import './select.css';

import { ChevronDown } from 'lucide-react';
import { Button, Label, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue } from 'react-aria-components';

export interface SelectOption<K extends string> {
  id: K;
  label: string;
  /** In small, behind it. */
  hint?: string;
}

interface SelectProps<K extends string> {
  label: string;
  /** The label is only heard. */
  quietLabel?: boolean;
  options: readonly SelectOption<K>[];
  value: K;
  onChange: (value: K) => void;
  isDisabled?: boolean;
}

export function Select<K extends string>({ label, quietLabel = false, options, value, onChange, isDisabled = false }: SelectProps<K>) {
  const choose = (key: unknown): void => {
    const option = options.find((other) => other.id === key);
    if (option) onChange(option.id);
  };
  return (
    <AriaSelect className="field select" value={value} onChange={choose} isDisabled={isDisabled}>
      <Label className={quietLabel ? 'visually-hidden' : ''}>{label}</Label>
      <Button className="input select-button">
        <SelectValue className="cut grow">{options.find((option) => option.id === value)?.label}</SelectValue>
        <ChevronDown size={14} aria-hidden />
      </Button>
      <Popover className="popover">
        <ListBox className="menu" items={options}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.label} className="menu-item">
              <span className="grow">{option.label}</span>
              {option.hint ? <span className="small faint">{option.hint}</span> : null}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
