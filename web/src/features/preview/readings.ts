// The ways to read a text, named for people.
import type { SelectOption } from '@/components/select';

export const DELIMITERS: readonly SelectOption[] = [
  { id: ',', label: 'Comma', hint: ',' },
  { id: ';', label: 'Semicolon', hint: ';' },
  { id: '\t', label: 'Tab', hint: '⇥' },
  { id: '|', label: 'Bar', hint: '|' },
];

export const QUOTES: readonly SelectOption[] = [
  { id: '"', label: 'Double', hint: '"' },
  { id: "'", label: 'Single', hint: "'" },
  { id: '', label: 'None' },
];

const CODES = [
  'utf-8', 'windows-1252', 'iso-8859-15', 'utf-16le', 'utf-16be', 'utf-32le', 'utf-32be', 'windows-1250', 'windows-1251', 'windows-1253', 'windows-1254', 'windows-1255',
  'windows-1256', 'windows-1257', 'windows-1258', 'windows-874', 'iso-8859-2', 'iso-8859-3', 'iso-8859-4', 'iso-8859-5', 'iso-8859-6', 'iso-8859-7', 'iso-8859-8',
  'iso-8859-10', 'iso-8859-13', 'iso-8859-14', 'iso-8859-16', 'koi8-r', 'koi8-u', 'ibm866', 'macintosh', 'x-mac-cyrillic', 'shift_jis', 'euc-jp', 'gbk', 'gb18030', 'big5', 'euc-kr',
] as const;

const HINTS: Partial<Record<(typeof CODES)[number], string>> = {
  'windows-1252': 'Western, Latin 1', 'windows-1250': 'Central European', 'windows-1251': 'Cyrillic', 'windows-1253': 'Greek', 'windows-1254': 'Turkish', 'windows-1255': 'Hebrew',
  'windows-1256': 'Arabic', 'windows-1257': 'Baltic', 'windows-1258': 'Vietnamese', 'windows-874': 'Thai', 'iso-8859-15': 'Western with €', shift_jis: 'Japanese', 'euc-jp': 'Japanese',
  gbk: 'Chinese', gb18030: 'Chinese', big5: 'Chinese', 'euc-kr': 'Korean', ibm866: 'Cyrillic', 'koi8-r': 'Cyrillic', 'koi8-u': 'Cyrillic',
};

export const ENCODINGS: readonly SelectOption[] = CODES.map((code) => ({ id: code, label: code, ...(HINTS[code] === undefined ? {} : { hint: HINTS[code] }) }));

export const HEADERS: readonly SelectOption[] = [
  { id: '0', label: 'None: the columns have no names' },
  ...Array.from({ length: 10 }, (_, i) => ({ id: String(i + 1), label: i === 0 ? '1 row' : `${i + 1} rows` })),
];
