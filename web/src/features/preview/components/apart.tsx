import { TableProperties } from 'lucide-react';

import { Button } from '@/components/button';
import type { Options, Preview, Upload } from '@/lib/api/types';
import { plural } from '@/lib/format';

interface ApartProps {
  upload: Upload;
  preview: Preview | undefined;
  isLocked: boolean;
  onChange: (of: (options: Options) => Options) => void;
}

/** Where a file holds more than the table that is read: what is there, and the choice to import that by itself too. */
export function Apart({ upload, preview, isLocked, onChange }: ApartProps) {
  const { options, mode } = upload;
  const warned = preview?.warnings ?? {};
  const own = mode === 'new' ? 'a dataset of its own' : 'an import of its own';
  // Each would take the place of the one before.
  const isUndoing = mode === 'replace' || mode === 'sync';
  const under = warned.second_table ?? 0;
  const isSplit = options.tables === 'split';
  const offers: { told: string; label: string; tables: 'each' | 'split' }[] = [];
  if (under > 0 && !isSplit) {
    offers.push({ told: under === 1 ? 'A second table seems to stand under this one.' : `${plural(under, 'more table')} seem to stand under this one.`, label: under === 1 ? `Make it ${own}` : `Make each ${own}`, tables: 'split' });
  }
  if (warned.other_sheets && upload.tables.length < 2 && upload.first == null) offers.push({ told: 'The workbook has other sheets.', label: `Make each sheet ${own}`, tables: 'each' });
  if (isUndoing || offers.length === 0) return null;
  return offers.map(({ told, label, tables }) => (
    <div key={tables} className="notice warn">
      <TableProperties size={15} aria-hidden />
      <span className="grow">{told}</span>
      <Button size="tiny" isDisabled={isLocked} onPress={() => onChange((now) => ({ ...now, tables, ...(tables === 'each' ? { sheet: null } : {}) }))}>
        {label}
      </Button>
    </div>
  ));
}
