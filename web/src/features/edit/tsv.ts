// What a spreadsheet puts on the clipboard: lines and tabs, quoted where a cell holds either.

export function fromTsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const { length } = text;
  while (at < length) {
    let cell: string;
    const quoted = text[at] === '"' ? closing(text, at) : null;
    if (quoted === null) {
      const start = at;
      while (at < length && text[at] !== '\t' && text[at] !== '\n' && text[at] !== '\r') at += 1;
      cell = text.slice(start, at);
    } else {
      cell = text.slice(at + 1, quoted).replaceAll('""', '"');
      at = quoted + 1;
    }
    row.push(cell);
    if (at >= length) break;
    if (text[at] === '\t') {
      at += 1;
      // A tab at the very end still opens a cell.
      if (at >= length) row.push('');
      continue;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/** Where a quoted cell ends; null when it is not a quoted one but merely begins with a quote. */
function closing(text: string, start: number): number | null {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] !== '"') continue;
    if (text[at + 1] === '"') at += 1;
    else return at + 1 >= text.length || /[\t\r\n]/.test(text[at + 1] ?? '') ? at : null;
  }
  return null;
}
