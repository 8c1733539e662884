import { cellText, isCut } from '@/lib/cells';
import { count } from '@/lib/format';

/** A cell as the file spells it: null is a dash, and a long one says how long it is. */
export function RecordValue({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="null" aria-label="null">–</span>;
  return (
    <>
      {cellText(value).slice(0, 300).replaceAll(/\r\n|\r|\n/g, ' ⏎ ')}
      {isCut(value) ? <span className="faint"> … {count(value.chars)} characters</span> : null}
    </>
  );
}
