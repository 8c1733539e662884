import { useState } from 'react';

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
  const isOther = writing || !options.some(({ id }) => id === value);
  return (
    <div className="stack" style={{ gap: 4 }}>
      <LightSelect
        label={label}
        shown={isOther ? other : (options.find(({ id }) => id === value)?.label ?? value)}
        options={() => [...options, { id: OTHER, label: other }]}
        value={isOther ? OTHER : value}
        onChange={(id) => {
          setWriting(id === OTHER);
          if (id !== OTHER) onChange(id);
        }}
        isDisabled={isDisabled}
      />
      {isOther ? (
        <CommitField
          label={otherLabel}
          value={writing ? '' : value}
          onCommit={(text) => {
            setWriting(false);
            onChange(text);
          }}
          autoFocus={writing}
          {...(maxLength === undefined ? {} : { maxLength })}
          isDisabled={isDisabled}
        />
      ) : null}
    </div>
  );
}
