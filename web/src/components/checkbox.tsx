import './checkbox.css';

import { Check } from 'lucide-react';
import type { ReactNode } from 'react';
import { CheckboxButton, CheckboxField, type CheckboxFieldProps as AriaProps } from 'react-aria-components';

interface CheckboxProps extends Omit<AriaProps, 'className' | 'children'> {
  children?: ReactNode;
}

/** Without children it needs an `aria-label`. */
export function Checkbox({ children, ...props }: CheckboxProps) {
  return (
    <CheckboxField {...props} className="check-field">
      <CheckboxButton className="check">
        {({ isSelected }) => (
          <>
            <span className="check-box" aria-hidden>
              {isSelected ? <Check size={12} strokeWidth={3} /> : null}
            </span>
            {children}
          </>
        )}
      </CheckboxButton>
    </CheckboxField>
  );
}
