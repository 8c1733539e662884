import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Tooltip, TooltipTrigger } from 'react-aria-components';

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'children'> {
  look?: 'primary' | 'quiet' | 'danger' | 'plain';
  size?: 'tiny' | 'large';
  children: ReactNode;
}

export function Button({ look = 'plain', size, children, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={`btn ${look} ${size ?? ''}`}>
      {children}
    </AriaButton>
  );
}

interface IconButtonProps extends Omit<AriaButtonProps, 'className' | 'children'> {
  /** Says what it does: the tooltip and the accessible name. */
  label: string;
  /** The keys that do the same. */
  keys?: string;
  tiny?: boolean;
  children: ReactNode;
}

export function IconButton({ label, keys, tiny, children, ...props }: IconButtonProps) {
  return (
    <TooltipTrigger delay={500}>
      <AriaButton {...props} aria-label={label} className={`btn quiet icon ${tiny ? 'tiny' : ''}`}>
        {children}
      </AriaButton>
      <Tooltip className="tooltip" offset={6}>
        {label}
        {keys ? <kbd>{keys}</kbd> : null}
      </Tooltip>
    </TooltipTrigger>
  );
}
