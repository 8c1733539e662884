import { useState } from 'react';

import { Button } from '@/components/button';
import type { Column } from '@/lib/api/types';

import { filterOf, opened } from '../draft';
import { type Filter, NO_FILTER } from '../filter';
import { FilterFields } from './filter-fields';

interface FilterFormProps {
  filter: Filter;
  columns: readonly Column[];
  /** The column that it was opened from. */
  startWith: string | null;
  onApply: (filter: Filter) => void;
}

/** A filter that holds from when it is applied. */
export function FilterForm({ filter, columns, startWith, onApply }: FilterFormProps) {
  const [draft, setDraft] = useState(() => opened(filter, columns, startWith));
  return (
    <form
      className="filter-form"
      onSubmit={(event) => {
        event.preventDefault();
        onApply(filterOf(draft));
      }}
    >
      <FilterFields draft={draft} columns={columns} onChange={setDraft}>
        <div className="row">
          <Button size="tiny" onPress={() => onApply(NO_FILTER)}>Clear</Button>
          <Button size="tiny" look="primary" type="submit">Apply</Button>
        </div>
      </FilterFields>
    </form>
  );
}
