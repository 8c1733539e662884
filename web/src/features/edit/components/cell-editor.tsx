import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from 'react';

import { cellText, isNumeric } from '@/lib/cells';

import type { EditValue } from '../session';
import type { After, OpenEditor } from '../use-cell-editing';
import { hint, readTyped } from '../values';

interface CellEditorProps {
  editor: OpenEditor;
  /** Near the lower edge: what hangs on the cell goes above it. */
  up: boolean;
  onClose: (value: EditValue | undefined, after: After) => void;
}

/** The editor in a cell, by the column's type. It closes once: with a value, or with undefined when nothing was typed. */
export function CellEditor({ editor, up, onClose }: CellEditorProps) {
  const { column, value, typed } = editor;
  const [text, setText] = useState(() => (typed === null ? cellText(value) : column.type === 'boolean' ? choice(typed) : typed));
  const [dirty, setDirty] = useState(typed !== null && typed !== '');
  const done = useRef(false);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement & HTMLSelectElement>(null);
  const hintId = useId();

  useLayoutEffect(() => {
    const element = field.current;
    element?.focus({ preventScroll: true });
    if (element && 'setSelectionRange' in element) element.setSelectionRange(typed === null ? 0 : element.value.length, element.value.length);
  }, [typed]);

  const close = (after: After): void => {
    if (done.current) return;
    done.current = true;
    onClose(dirty ? readTyped(column, text) : undefined, after);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') {
      done.current = true;
      onClose(undefined, 'stay');
    } else if (event.key === 'Enter' && !event.altKey && !(event.shiftKey && multiline)) {
      event.preventDefault();
      close(event.shiftKey ? 'up' : 'down');
    } else if (event.key === 'Enter' && event.altKey && multiline) {
      event.preventDefault();
      field.current?.setRangeText('\n', field.current.selectionStart, field.current.selectionEnd, 'end');
      change(field.current?.value ?? text);
    } else if (event.key === 'Tab') {
      event.preventDefault();
      close(event.shiftKey ? 'left' : 'right');
    }
  };
  const change = (next: string): void => {
    setText(next);
    setDirty(true);
  };

  const multiline = column.type === 'text' || column.type === 'json';
  const becomes = readTyped(column, text);
  const wrong = dirty ? hint(column, becomes) : null;
  const note = wrong ?? (dirty && text === '' ? (becomes === null ? 'Becomes null.' : 'Becomes an empty text. The Delete key on the cell makes it null.') : null);
  const props = {
    'aria-label': column.name,
    'aria-describedby': note === null ? undefined : hintId,
    'aria-invalid': wrong !== null,
    onKeyDown,
    onBlur: () => close('stay'),
  };

  return (
    <div className={`cell-editor ${multiline ? 'multi' : ''} ${isNumeric(column.type) ? 'num' : ''} ${up ? 'up' : ''}`}>
      {column.type === 'boolean' ? (
        <select {...props} ref={field} value={choice(becomes)} onChange={(event) => change(event.target.value)}>
          <option value="true">true</option>
          <option value="false">false</option>
          <option value="">null</option>
          {['true', 'false', ''].includes(choice(becomes)) ? null : <option value={text}>{text}</option>}
        </select>
      ) : multiline ? (
        <textarea {...props} ref={field} value={text} rows={Math.min(10, text.split('\n').length)} spellCheck={column.type === 'text'} onChange={(event) => change(event.target.value)} />
      ) : (
        <input {...props} ref={field} type="text" inputMode={isNumeric(column.type) ? 'decimal' : undefined} autoComplete="off" spellCheck={false} value={text} onChange={(event) => change(event.target.value)} />
      )}
      {note === null ? null : (
        <div id={hintId} role="status" className={`cell-hint ${wrong === null ? '' : 'wrong'}`}>
          {note}
        </div>
      )}
    </div>
  );
}

/** The truth value that a typed text begins. */
function choice(value: EditValue): string {
  if (value === null) return '';
  if (/^[t1y]$/i.test(value)) return 'true';
  if (/^[f0n]$/i.test(value)) return 'false';
  return value;
}
