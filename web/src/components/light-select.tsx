import { ChevronDown } from 'lucide-react';
import { useRef, useState } from 'react';
import { Autocomplete, Dialog, Input, ListBox, ListBoxItem, Popover, SearchField, useFilter } from 'react-aria-components';

import { SEARCHED, type SelectOption } from './select';
import './select.css';

interface LightSelectProps<K extends string> {
  /** Only heard. */
  label: string;
  /** What is chosen, as it is shown. */
  shown: string;
  value: K;
  /** Asked for when it opens. */
  options: () => readonly SelectOption<K>[];
  onChange: (value: K) => void;
  isDisabled?: boolean;
}

/** A select for where there are hundreds: until it opens it is a plain button. */
export function LightSelect<K extends string>({ label, shown, value, options, onChange, isDisabled = false }: LightSelectProps<K>) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" ref={button} className="input select-button" aria-label={`${shown} ${label}`} aria-haspopup="dialog" aria-expanded={isOpen} disabled={isDisabled} onClick={() => setOpen(true)}>
        <span className="cut grow">{shown}</span>
        <ChevronDown size={14} aria-hidden />
      </button>
      {isOpen ? (
        <Popover className="popover select-popover" triggerRef={button} isOpen onOpenChange={setOpen}>
          <Dialog aria-label={label} className="light-select">
            <Choices
              label={label}
              options={options()}
              value={value}
              onChange={(next) => {
                setOpen(false);
                if (next !== value) onChange(next);
              }}
            />
          </Dialog>
        </Popover>
      ) : null}
    </>
  );
}

interface ChoicesProps<K extends string> {
  label: string;
  options: readonly SelectOption<K>[];
  value: K;
  onChange: (value: K) => void;
}

function Choices<K extends string>({ label, options, value, onChange }: ChoicesProps<K>) {
  const { contains } = useFilter({ sensitivity: 'base' });
  const isSearched = options.length >= SEARCHED;
  const list = (
    <ListBox
      className="menu select-list"
      aria-label={label}
      items={options}
      selectionMode="single"
      selectedKeys={[value]}
      autoFocus={!isSearched}
      // What was chosen before and is chosen again makes none chosen.
      onSelectionChange={(keys) => onChange(options.find(({ id }) => keys === 'all' || keys.has(id))?.id ?? value)}
      renderEmptyState={() => <p className="select-empty">Nothing has this name.</p>}
    >
      {(option) => (
        <ListBoxItem id={option.id} textValue={option.label} className="menu-item">
          <span className="cut grow">{option.label}</span>
          {option.hint ? <span className="small faint">{option.hint}</span> : null}
        </ListBoxItem>
      )}
    </ListBox>
  );
  if (!isSearched) return list;
  return (
    <Autocomplete filter={contains}>
      <SearchField aria-label={`Search: ${label}`} autoFocus className="select-search">
        <Input className="input" placeholder="Search" />
      </SearchField>
      {list}
    </Autocomplete>
  );
}
