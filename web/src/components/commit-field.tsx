import { useState } from 'react';

interface CommitFieldProps {
  label: string;
  value: string;
  onCommit: (value: string) => void;
  /** It was left as it was, or taken back. */
  onCancel?: () => void;
  placeholder?: string;
  inputMode?: 'numeric';
  maxLength?: number;
  autoFocus?: boolean;
  isDisabled?: boolean;
}

/** A field whose text counts once it is left or Enter is pressed; Escape takes it back. Its label is only heard. There may be hundreds: it is plain. */
export function CommitField({ label, value, onCommit, onCancel, placeholder, autoFocus = false, isDisabled = false, ...props }: CommitFieldProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (): void => {
    setDraft(null);
    if (draft !== null && draft !== value) onCommit(draft);
    else onCancel?.();
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
        if (event.key === 'Enter') {
          // What has the focus afterwards would be pressed by it.
          event.preventDefault();
          commit();
        } else if (event.key === 'Escape') {
          setDraft(null);
          onCancel?.();
        }
      }}
    />
  );
}
