import { FieldError, Input, Label, TextField as AriaTextField, type TextFieldProps as AriaProps } from 'react-aria-components';

interface TextFieldProps extends Omit<AriaProps, 'className' | 'children'> {
  label: string;
  placeholder?: string;
  error?: string | null;
}

export function TextField({ label, placeholder, error, ...props }: TextFieldProps) {
  return (
    <AriaTextField {...props} isInvalid={error !== null && error !== undefined} className="field">
      <Label>{label}</Label>
      <Input className="input" placeholder={placeholder} />
      <FieldError className="field-error">{error}</FieldError>
    </AriaTextField>
  );
}
