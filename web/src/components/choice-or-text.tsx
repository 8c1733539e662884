import { useEffect, useRef, useState } from 'react';

import { CommitField } from './commit-field';
import { LightSelect } from './light-select';
import type { SelectOption } from './select';

const OTHER = '\0other';

interface ChoiceOrTextProps {
  /** Only heard. */
  label: string;
  options: readonly SelectOption[];
  value: string;
  onChange: (value: string) => void;
  /** The option that opens a field for a text of one's own, and the field's label. */
  other: string;
  otherLabel: string;
  maxLength?: number;
  isDisabled?: boolean;
}

/** One of the usual texts, or any other. */
export function ChoiceOrText({ label, options, value, onChange, other, otherLabel, maxLength, isDisabled = false }: ChoiceOrTextProps) {
  const [writing, setWriting] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  /** The list gives the focus back as it closes; only then may the field take it, or it would be left at once. */
  const opening = useRef(false);
  /** The field was closed by a key: who uses the keys goes on from the choice. */
  const [closed, setClosed] = useState(0);
  useEffect(() => {
    if (closed > 0) place.current?.querySelector('button')?.focus();
  }, [closed]);
  const close = (): void => {
    if (writing && place.current?.contains(document.activeElement)) setClosed(closed + 1);
    setWriting(false);
  };
  const isOther = writing || !options.some(({ id }) => id === value);
  return (
    <div
      ref={place}
      className="stack"
      style={{ gap: 4 }}
      onFocus={({ target }) => {
        if (!opening.current || !place.current?.contains(target)) return;
        opening.current = false;
        setWriting(true);
      }}
    >
      <LightSelect
        label={label}
        shown={isOther ? other : (options.find(({ id }) => id === value)?.label ?? value)}
        options={() => [...options, { id: OTHER, label: other }]}
        value={isOther ? OTHER : value}
        onChange={(id) => {
          opening.current = id === OTHER;
          if (id !== OTHER) setWriting(false);
          // The same once more would be a change of nothing.
          if (id !== OTHER && id !== value) onChange(id);
        }}
        isDisabled={isDisabled}
      />
      {isOther ? (
        <CommitField
          label={otherLabel}
          value={writing ? '' : value}
          onCommit={(text) => {
            close();
            onChange(text);
          }}
          onCancel={close}
          autoFocus={writing}
          {...(maxLength === undefined ? {} : { maxLength })}
          isDisabled={isDisabled}
        />
      ) : null}
    </div>
  );
}
