// How the reasons read. The server's message says the rest.

const REASONS: Record<string, string> = {
  type_mismatch: 'Does not fit its column',
  long_row: 'Too many cells',
  nul_byte: 'NUL character',
  invalid_encoding: 'Not text',
  row_too_large: 'Over 16 MiB',
  rule_required: 'Required',
  rule_range: 'Out of range',
  rule_pattern: 'Other pattern',
  rule_one_of: 'Not one of the list',
  not_unique: 'In another row already',
};

/** The reason in words; one that is new to this page by its code. */
export const reasonName = (code: string): string => REASONS[code] ?? code;
