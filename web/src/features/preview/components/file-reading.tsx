import type { ReactNode } from 'react';

import { ChoiceOrText } from '@/components/choice-or-text';
import { CommitField } from '@/components/commit-field';
import { Select, type SelectOption } from '@/components/select';
import type { Options, Plan, Problem } from '@/lib/api/types';
import { count } from '@/lib/format';

import type { Reading } from '../options';
import { DELIMITERS, ENCODINGS, HEADERS, QUOTES } from '../readings';
import { placeOf } from '../words';
import { ProblemAt } from './problem-at';

const FOUND = '\0found';

interface FileReadingProps {
  /** Null where the file could not be read yet. */
  plan: Plan | null;
  options: Options;
  problem: Problem | null;
  /** Which sheet or file of the archive it reads is not chosen here then. */
  isOneOfSeveral: boolean;
  isLocked: boolean;
  onChange: (change: Reading) => void;
}

/** A choice's first line: what was found, or back to it. */
const asFound = (said: unknown, found: string | undefined): SelectOption => ({ id: FOUND, label: said == null && found !== undefined ? `Found: ${found}` : 'As it is found' });

const named = (options: readonly SelectOption[], id: string | undefined): string | undefined => (id === undefined ? undefined : (options.find((option) => option.id === id)?.label ?? id));

/** How the file is read: found in its bytes, and each of it to be said otherwise. */
export function FileReading({ plan, options, problem, isOneOfSeveral, isLocked, onChange }: FileReadingProps) {
  const place = placeOf(problem);
  const format = plan?.format ?? 'text';
  const isText = format === 'text';
  const hasLines = !['ndjson', 'json', 'parquet'].includes(format);
  const sheets = plan?.sheets ?? [];
  const members = plan?.container?.members ?? [];
  const dialect = plan?.dialect;
  const at = (option: string): ReactNode => (place?.option === option ? <ProblemAt problem={problem} /> : null);
  const or = (id: string): string | null => (id === FOUND ? null : id);
  return (
    <section className="card preview-panel" aria-labelledby="file-reading">
      <h2 id="file-reading">How the file is read</h2>
      {!isOneOfSeveral && (members.length > 1 || options.member != null) ? (
        <Select label="File of the archive" options={choices(members, options.member)} value={options.member ?? plan?.container?.member ?? null} isDisabled={isLocked} onChange={(member) => onChange({ member })} />
      ) : null}
      {at('member')}
      {!isOneOfSeveral && (sheets.length > 1 || options.sheet != null) ? (
        <Select label="Sheet" options={choices(sheets, options.sheet)} value={options.sheet ?? plan?.sheet ?? null} isDisabled={isLocked} onChange={(sheet) => onChange({ sheet })} />
      ) : null}
      {at('sheet')}
      {isText ? (
        <>
          <Select label="Encoding" options={[asFound(options.encoding, dialect?.encoding), ...ENCODINGS]} value={options.encoding ?? FOUND} isDisabled={isLocked} onChange={(id) => onChange({ encoding: or(id) })} />
          {at('encoding')}
          <div className="field"><span className="field-label" aria-hidden>Between two cells</span>
            <ChoiceOrText label="Between two cells" options={[asFound(options.delimiter, named(DELIMITERS, dialect?.delimiter)), ...DELIMITERS]} value={options.delimiter ?? FOUND} onChange={(id) => onChange({ delimiter: or(id) })} other="Another mark…" otherLabel="Mark between two cells" maxLength={8} isDisabled={isLocked} />
          </div>
          {at('delimiter')}
          <div className="field"><span className="field-label" aria-hidden>Quote mark</span>
            <ChoiceOrText label="Quote mark" options={[asFound(options.quote, named(QUOTES, dialect ? (dialect.quote ?? '') : undefined)), ...QUOTES]} value={options.quote ?? FOUND} onChange={(id) => onChange({ quote: or(id) })} other="Another mark…" otherLabel="Quote mark of one character" maxLength={1} isDisabled={isLocked} />
          </div>
          {at('quote')}
        </>
      ) : null}
      {hasLines ? (
        <>
          <Select
            label="Rows that name the columns"
            options={[asFound(options.header_rows, named(HEADERS, dialect === undefined ? undefined : String(dialect.header_rows ?? Number(dialect.header)))), ...HEADERS]}
            value={options.header_rows == null ? FOUND : String(options.header_rows)}
            isDisabled={isLocked}
            onChange={(id) => onChange({ header_rows: id === FOUND ? null : Number(id) })}
          />
          {at('header_rows')}
          <div className="skipped">
            <Skipped label="Skipped above" found={dialect?.preamble} said={options.preamble} isLocked={isLocked} onChange={(preamble) => onChange({ preamble })} />
            <Skipped label="Skipped below" found={dialect?.footer} said={options.footer} isLocked={isLocked} onChange={(footer) => onChange({ footer })} />
          </div>
          {at('preamble')}
          {at('footer')}
        </>
      ) : (
        <p className="small faint">This format names its columns itself.</p>
      )}
    </section>
  );
}

const choices = (names: readonly string[], said: string | null | undefined): SelectOption[] => [...new Set([...names, ...(said == null ? [] : [said])])].map((name) => ({ id: name, label: name }));

interface SkippedProps {
  label: string;
  found: number | undefined;
  said: number | null | undefined;
  isLocked: boolean;
  onChange: (records: number | null) => void;
}

/** Lines that are no rows. Emptied, they are found again. */
function Skipped({ label, found, said, isLocked, onChange }: SkippedProps) {
  return (
    <div className="field">
      <span className="field-label" aria-hidden>{label}</span>
      <CommitField
        label={`Lines ${label.toLowerCase()} the table; empty: as it is found`}
        value={said == null ? '' : String(said)}
        placeholder={found === undefined ? '' : `Found: ${count(found)}`}
        inputMode="numeric"
        maxLength={6}
        isDisabled={isLocked}
        onCommit={(text) => {
          if (/^\d*$/.test(text.trim())) onChange(text.trim() === '' ? null : Number(text));
        }}
      />
    </div>
  );
}
