import { useState } from 'react';

interface CommitFieldProps {
  label: string;
  value: string;
  onCommit: (value: string) => void;
  placeholder?: string;
  inputMode?: 'numeric';
  maxLength?: number;
  autoFocus?: boolean;
  isDisabled?: boolean;
}

/** A field whose text counts once it is left or Enter is pressed; Escape takes it back. Its label is only heard. There may be hundreds: it is plain. */
export function CommitField({ label, value, onCommit, placeholder, autoFocus = false, isDisabled = false, ...props }: CommitFieldProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (): void => {
    setDraft(null);
    if (draft !== null && draft !== value) onCommit(draft);
  };
  return (
    <input
      {...props}
      className="input"
      aria-label={label}
      disabled={isDisabled}
      placeholder={placeholder}
      value={draft ?? value}
      autoFocus={autoFocus}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
        else if (event.key === 'Escape') setDraft(null);
      }}
    />
  );
}
